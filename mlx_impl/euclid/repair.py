"""E14, the nearest perpendicular frame. Reference: `lyceum.personas.euclid.repair`."""

from __future__ import annotations

import mlx.core as mx

from lyceum.personas.euclid import repair as reference
from mlx_impl.common.newton_schulz import newton_schulz
from mlx_impl.common.repair import Repair
from mlx_impl.registry import implements


@implements(reference.Superposition)
class Superposition(Repair):
    """Hurt rows return along perpendiculars, lost rows with the motion of the others."""

    def __init__(
        self, every: int, period: int, rate: float, near: float, stiff: float, quintic: tuple[float, ...], steps: int
    ):
        super().__init__(every, period, rate)
        self.near, self.stiff, self.quintic, self.steps = near, stiff, quintic, steps

    def foot(self, w: mx.array, a: mx.array) -> mx.array:
        """w, a (n, r, c) -> the point of each row's line that is nearest to its average."""
        greatest = mx.abs(w).max(-1, keepdims=True)
        w = w / mx.where(greatest == 0, 1, greatest)
        square = (w * w).sum(-1, keepdims=True)
        return (a * w).sum(-1, keepdims=True) / mx.where(square == 0, 1, square) * w

    def frame(self, m: mx.array) -> mx.array:
        """m (n, c, c) -> the nearest orthogonal matrices."""
        return newton_schulz(m, self.quintic, self.steps)

    def motion(self, w: mx.array, a: mx.array, lost: mx.array) -> mx.array:
        """w, a (n, r, c), lost (n, r) integers -> O, (n, c, c)."""
        there = lost[..., None] == 0
        stiff = self.stiff * (a * a).sum(1).mean(-1)
        m = mx.where(there, a, 0).swapaxes(1, 2) @ mx.where(there, w, 0)
        return self.frame(m + stiff[:, None, None] * mx.eye(a.shape[2], dtype=a.dtype))

    def restore(self, w: mx.array, a: mx.array, hurt: mx.array) -> mx.array:
        """w, a (n, r, c), hurt (n, r) integers -> the matrices with their hurt rows returned."""
        foot = self.foot(w, a)
        near = self.length(a - foot) <= self.near * self.length(a)
        w = mx.where(((hurt != 0) & near)[..., None], foot, w)
        lost = (hurt != 0) & ~near
        return mx.where(lost[..., None], a @ self.motion(w, a, lost), w)
