"""E13, distance: learning rates by the distance travelled. Reference: `lyceum.personas.euclid.meta`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import meta as reference
from mlx_impl.registry import implements


@implements(reference.Distance)
class Distance(nn.Module):
    """The state of a group of parameters, its rate first, for the update that is due."""

    habit, absolute = 1.0, True

    def __init__(self, first: float, memory: float):
        super().__init__()
        self.first, self.memory = first, memory

    def fresh(self, like: mx.array) -> dict[str, mx.array]:
        """The state before the first update: the rate, r, G, V and n. like: the entries w_0, (n,)."""
        length = (like * like).sum().sqrt()
        first = self.first * mx.where(length > 0, length, 1)
        rate, total, mean, count = (mx.array(x, like.dtype) for x in (0, 0, 0, like.size))
        return {"rate": rate, "distance": first, "total": total, "mean": mean, "count": count}

    def begin(self, w: mx.array) -> tuple[mx.array, ...]:
        """w_0 (n,) -> the state as `fresh` has it, all ()."""
        return tuple(self.fresh(w).values())

    def __call__(
        self,
        rate: mx.array,
        distance: mx.array,
        total: mx.array,
        mean: mx.array,
        count: mx.array,
        gd: mx.array,
        dd: mx.array,
        gg: mx.array,
        share: mx.array,
    ) -> tuple[mx.array, ...]:
        """All (): the state, <g, d>, <d, d>, <g, g>, and the schedule's share of its peak -> the state."""
        distance = mx.maximum(distance, dd.sqrt())
        mean = mx.where(total > 0, mean + (1 - self.memory) * (gg - mean), gg)
        total = total + share * share * gg
        ratio = mx.where(total > 0, mean, 0) / mx.where(total > 0, total * count, 1)
        return distance * ratio.sqrt(), distance, total, mean, count
