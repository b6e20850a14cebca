"""The gated perceptron with any gate. Reference: `lyceum.personas.model.gated`."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
from mlx import nn


class GatedPerceptron(nn.Module):
    """x (..., n_embd) -> the same shape. A subclass has `activate`."""

    def __init__(self, n_embd: int, hidden: int):
        super().__init__()
        self.up = nn.Linear(n_embd, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, n_embd, bias=False)

    def features(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the hidden layer, (..., hidden)."""
        a, b = mx.split(self.up(x), 2, axis=-1)
        return (1 + self.activate(a)) * b

    def rows(self) -> mx.array:
        """What each entry of the hidden layer adds to the stream, (hidden, n_embd)."""
        return self.down.weight.T

    def __call__(self, x: mx.array) -> mx.array:
        return self.down(self.features(x))


def mixed(a_and_b: mx.array, weight: mx.array, activate: Callable[[mx.array], mx.array]) -> mx.array:
    """(..., m * 2 * hidden) of m experts, weight (..., m) -> their weighted hidden layers, (..., m * hidden)."""
    both = mx.unflatten(a_and_b, -1, (weight.shape[-1], 2, -1))
    a, b = both[..., 0, :], both[..., 1, :]
    return ((1 + activate(a)) * b * weight[..., None]).flatten(-2)
