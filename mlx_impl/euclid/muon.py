"""E7, the compass: Muon's rule on great circles. Reference: `lyceum.personas.euclid.muon`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import muon as reference
from mlx_impl.common.newton_schulz import newton_schulz
from mlx_impl.registry import implements


def unit(x: mx.array) -> tuple[mx.array, mx.array]:
    """x (n, r, c) -> (x / |x|, |x| (n, 1, 1)) of each, (0, 0) for 0."""
    greatest = mx.abs(x).max((1, 2), keepdims=True)
    x = x / mx.where(greatest == 0, 1, greatest)
    # One axis at a time: over two axes at once MLX adds 3,072 terms in one row, and the length is off by 1e-6.
    square = (x * x).sum(2, keepdims=True).sum(1, keepdims=True)
    size = mx.where(square == 0, 1, square).sqrt()
    return x / size, size * greatest


def perpendicular(x: mx.array, v: mx.array) -> mx.array:
    """x, v (n, r, c), |v| = 1 -> the foot of the perpendicular from x onto the plane orthogonal to v."""
    return x - (x * v).sum((1, 2), keepdims=True) * v


@implements(reference.Compass)
class Compass(nn.Module):
    """(W, M, R, G) -> (W, M, R) after one update, for a stack of n matrices (n, r, c) at once."""

    def __init__(self, rate: float, momentum: float, near: float, quintic: tuple[float, ...], steps: int):
        super().__init__()
        self.rate, self.momentum, self.near = rate, momentum, near
        self.quintic, self.steps = quintic, steps

    def fresh(self, w: mx.array) -> dict[str, mx.array]:
        """The state of a matrix (r, c) before its first update."""
        return {"m": mx.zeros_like(w), "radius": mx.zeros((), w.dtype)}

    def __call__(self, w: mx.array, m: mx.array, radius: mx.array, g: mx.array, lr: mx.array) -> tuple[mx.array, ...]:
        """w, m, g (n, r, c), radius (n,), lr a number -> (W, M, R)."""
        m = self.momentum * m + (1 - self.momentum) * g
        v, size = unit(w)
        radius = mx.where(radius == 0, size[:, 0, 0], radius)
        t, angle = self.tangent(v, m), self.rate * lr
        y, _ = unit(mx.cos(angle) * v - mx.sin(angle) * t)
        turns = (size != 0) & (mx.abs(t).max((1, 2), keepdims=True) != 0)
        return mx.where(turns, radius[:, None, None] * y, w), m, radius

    def tangent(self, v: mx.array, m: mx.array) -> mx.array:
        """v, m (n, r, c), |v| = 1 -> T, orthogonal to v and of length 1, 0 where m is almost parallel to v."""
        foot = perpendicular(unit(m)[0], v)
        parallel = (foot * foot).sum((1, 2), keepdims=True) <= self.near**2
        second = perpendicular(newton_schulz(foot, self.quintic, self.steps), v)
        return unit(mx.where(parallel, 0, second))[0]
