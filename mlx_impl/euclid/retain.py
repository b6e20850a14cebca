"""E21, the perpendicular. Reference: `lyceum.personas.euclid.retain`."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from lyceum.personas.euclid import retain as reference
from mlx_impl.registry import implements


@implements(reference.Perpendicular)
class Perpendicular(nn.Module):
    """Gradients and parameters at right angles to the axes of a first text. All parameters are one vector."""

    def __init__(self, weights: dict[str, np.ndarray], axes: dict[str, np.ndarray]):
        super().__init__()
        self._shapes = {name: x.shape for name, x in weights.items()}
        rows = [mx.array(x).reshape(-1, x.shape[-1]) for x in axes.values()]
        self._weights = self.joined({name: mx.array(x) for name, x in weights.items()})
        self._axes = mx.contiguous(mx.concatenate(rows).T)  # a row an axis: twice as fast
        mx.eval(self._weights, self._axes)  # or a compiled step would join and turn them each time

    def joined(self, parts: dict[str, mx.array]) -> mx.array:
        """Arrays by parameter -> one vector, (n,)."""
        return mx.concatenate([parts[name].reshape(-1) for name in self._shapes])

    def parts(self, x: mx.array) -> dict[str, mx.array]:
        """One vector (n,) -> its parts by parameter."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes.values()])
        pieces = mx.split(x, ends[:-1].tolist())
        return {name: piece.reshape(shape) for (name, shape), piece in zip(self._shapes.items(), pieces, strict=True)}

    def foot(self, x: mx.array) -> mx.array:
        """x (n,) -> P x, (n,)."""
        return x - (self._axes @ x) @ self._axes

    def restrain(self, gradients: dict[str, mx.array], parameters: dict[str, mx.array]) -> dict[str, mx.array]:
        """Gradients and parameters by name -> the gradients that are at right angles to the axes."""
        return self.parts(self.foot(self.joined(gradients)))

    def confine(self, parameters: dict[str, mx.array]) -> dict[str, mx.array]:
        """Parameters by name, after a rule's step -> the nearest from which w* lies at right angles to the axes."""
        return self.parts(self._weights + self.foot(self.joined(parameters) - self._weights))
