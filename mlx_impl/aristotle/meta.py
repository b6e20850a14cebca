"""A13, prudence: a factor on the learning rate by its hypergradient. Reference: `lyceum.personas.aristotle.meta`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import meta as reference
from mlx_impl.registry import implements


@implements(reference.Prudence)
class Prudence(nn.Module):
    """The state of a group of parameters, its factor h first, for the update that is due."""

    absolute = False

    def __init__(self, habit: float, pace: float, widest: float):
        super().__init__()
        self.habit, self.pace, self.widest = habit, pace, widest

    def fresh(self, like: mx.array) -> dict[str, mx.array]:
        """The state before the first update, of the type of `like`."""
        return {"rate": mx.ones((), like.dtype)}

    def __call__(self, rate: mx.array, gd: mx.array, dd: mx.array, gg: mx.array, share: mx.array) -> tuple[mx.array]:
        """All (): h, <g, d>, <d, d>, <g, g>, and the schedule's rate as a share of its peak -> h."""
        size = mx.sqrt(dd) * mx.sqrt(gg)
        cosine = mx.where(size > 0, gd, 0) / mx.where(size > 0, size, 1)
        return (mx.clip(rate * (1 - self.pace * share * cosine), 1 / self.widest, self.widest),)
