"""E21, the perpendicular. Reference: `lyceum.personas.euclid.retain`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lyceum.personas.euclid import retain as reference
from torch_ref.registry import implements


@implements(reference.Perpendicular)
class Perpendicular(nn.Module):
    """Gradients and parameters at right angles to the axes of a first text. All parameters are one vector."""

    def __init__(self, weights: dict[str, np.ndarray], axes: dict[str, np.ndarray]):
        super().__init__()
        self.shapes = {name: x.shape for name, x in weights.items()}
        rows = [torch.from_numpy(x).reshape(-1, x.shape[-1]) for x in axes.values()]
        self.register_buffer("weights", self.joined({name: torch.from_numpy(x) for name, x in weights.items()}))
        self.register_buffer("axes", torch.cat(rows).mT.contiguous())  # a row an axis: twice as fast

    def joined(self, parts: dict[str, Tensor]) -> Tensor:
        """Tensors by parameter -> one vector, (n,)."""
        return torch.cat([parts[name].flatten() for name in self.shapes])

    def parts(self, x: Tensor) -> dict[str, Tensor]:
        """One vector (n,) -> its parts by parameter."""
        pieces = x.split([int(np.prod(shape)) for shape in self.shapes.values()])
        return {name: piece.view(shape) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)}

    def foot(self, x: Tensor) -> Tensor:
        """x (n,) -> P x, (n,)."""
        return x - (self.axes @ x) @ self.axes

    @torch.no_grad()
    def restrain(self, gradients: dict[str, Tensor], parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Gradients and parameters by name -> the gradients that are at right angles to the axes."""
        return self.parts(self.foot(self.joined(gradients)))

    @torch.no_grad()
    def confine(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Parameters by name, after a rule's step -> the nearest from which w* lies at right angles to the axes."""
        return self.parts(self.weights + self.foot(self.joined(parameters) - self.weights))
