"""A21, habit. Reference: `lyceum.personas.aristotle.retain`."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from lyceum.personas.aristotle import retain as reference
from mlx_impl.registry import implements


@implements(reference.Elastic)
class Elastic(nn.Module):
    """Gradients with a pull to the weights of a first text."""

    def __init__(self, strength: float, weights: dict[str, np.ndarray], fisher: dict[str, np.ndarray]):
        super().__init__()
        self.strength = strength
        self._weights = {name: mx.array(x) for name, x in weights.items()}
        self._fisher = {name: mx.array(x) for name, x in fisher.items()}

    def pull(self, g: mx.array, w: mx.array, weights: mx.array, fisher: mx.array) -> mx.array:
        """A parameter's gradient, its value, w* and F, of one shape -> the gradient with the pull."""
        return g + self.strength * (fisher * (w - weights))

    def restrain(self, gradients: dict[str, mx.array], parameters: dict[str, mx.array]) -> dict[str, mx.array]:
        """Gradients and parameters by name -> the gradients with the pull."""
        return {
            name: self.pull(g, parameters[name], self._weights[name], self._fisher[name])
            for name, g in gradients.items()
        }
