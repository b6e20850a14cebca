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

    def __call__(self, x: mx.array) -> mx.array:
        a, b = mx.split(self.up(x), 2, axis=-1)
        return self.down((1 + self.activate(a)) * b)


def mixed(a_and_b: mx.array, weight: mx.array, activate: Callable[[mx.array], mx.array]) -> mx.array:
    """(..., m * 2 * hidden) of m experts, weight (..., m) -> their weighted hidden layers, (..., m * hidden)."""
    both = mx.unflatten(a_and_b, -1, (weight.shape[-1], 2, -1))
    a, b = both[..., 0, :], both[..., 1, :]
    return ((1 + activate(a)) * b * weight[..., None]).flatten(-2)
