"""E23, the algorithm: subtraction in turns. Reference: `lyceum.personas.euclid.circuit`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import circuit as reference
from mlx_impl.registry import implements


@implements(reference.Subtraction)
class Subtraction(nn.Module):
    """numbers (B, 2) -> the states h_0 to h_steps, (B, steps + 1, 2)."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps
        self.enter, self.inner, self.outer = (nn.Linear(*sizes, bias=False) for sizes in ((2, 2), (2, 3), (3, 2)))

    def __call__(self, numbers: mx.array) -> mx.array:
        states = [self.enter(numbers)]
        for _ in range(self.steps):
            states.append(self.outer(mx.maximum(self.inner(states[-1]), 0)))
        return mx.stack(states, axis=1)
