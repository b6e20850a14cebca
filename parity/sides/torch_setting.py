"""A variant in PyTorch's terms: arrays and buffers in its precision, on its device; gradients, and arrays again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from parity.sides.test_point import Arrays, Values
from parity.sides.trees import dtype_name
from parity.sides.variants import Variant

Tensors = dict[tuple[str, str], Tensor]


class Setting:
    """dtype, device, and whether to compile."""

    def __init__(self, variant: Variant):
        self.dtype, self.device, self.compiled = getattr(torch, variant.dtype), variant.device, variant.compiled

    def tensor(self, x: np.ndarray | Tensor) -> Tensor:
        """Floating arrays in this precision, integers as int64, booleans as they are; tensors unchanged."""
        if isinstance(x, Tensor):
            return x
        dtypes = {"f": self.dtype, "b": torch.bool}
        return torch.tensor(x, dtype=dtypes.get(x.dtype.kind, torch.int64), device=self.device)

    def all(self, arrays: Arrays) -> dict[str, Tensor]:
        """Every array as a tensor."""
        return {name: self.tensor(x) for name, x in arrays.items()}

    def buffer(self, x: Tensor, fine: bool) -> Tensor:
        """A copy of a buffer in this precision; fine: whether float32 cannot represent it, see the module."""
        if not x.is_floating_point():
            return x.to(self.device, copy=True)
        moved = x.to(self.device, self.dtype, copy=True)
        return moved**1 if fine and self.dtype == torch.float64 else moved


def gradients_of(outputs: list[Tensor], given: dict, cotangents: list | None, graph: bool) -> dict[str, Tensor]:
    """The gradients that exist, by leaf."""
    if not outputs or not given:
        return {}
    gradients = torch.autograd.grad(outputs, list(given.values()), cotangents, create_graph=graph, allow_unused=True)
    return {name: g for name, g in zip(given, gradients, strict=True) if g is not None}


def as_arrays(tensors: Tensors) -> Values:
    """Floating tensors as float64; integers and booleans stay what they are, as they have no derivative."""
    detached = {key: x.detach().cpu() for key, x in tensors.items()}
    arrays = {key: (x.double() if x.is_floating_point() else x).numpy() for key, x in detached.items()}
    return arrays | {("dtype", name): dtype_name(x.dtype) for (of, name), x in tensors.items() if of == "value"}
