"""PyTorch's kernels that have no float64: carried out in float32, the result as float64 again.

`torch._grouped_mm` and a few more are written for training precisions alone. An oracle that needs one is right to
single precision only, and whoever compares with it must know: `names` tells which were lacking.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map


class Lacking(TorchDispatchMode):
    """A context. names: the operations that had to be carried out in float32 so far, as keys."""

    def __init__(self, names: dict[str, None]):
        super().__init__()
        self.names = names

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        try:
            return func(*args, **kwargs)
        except (RuntimeError, NotImplementedError):
            if not any(isinstance(x, torch.Tensor) and x.dtype == torch.float64 for x in (*args, *kwargs.values())):
                raise
            outcome = func(*tree_map(_single, args), **tree_map(_single, kwargs))
            self.names[func.overloadpacket.__name__] = None
            return tree_map(_double, outcome)


def _single(x: Any) -> Any:
    return x.float() if isinstance(x, torch.Tensor) and x.dtype == torch.float64 else x


def _double(x: Any) -> Any:
    return x.double() if isinstance(x, torch.Tensor) and x.dtype == torch.float32 else x
