"""E7, the compass: Muon's rule on great circles. Reference: `lyceum.personas.euclid.muon`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.euclid import muon as reference
from torch_ref.common.newton_schulz import newton_schulz
from torch_ref.registry import implements


def unit(x: Tensor) -> tuple[Tensor, Tensor]:
    """x (n, r, c) -> (x / |x|, |x| (n, 1, 1)) of each, (0, 0) for 0."""
    greatest = x.abs().amax((1, 2), keepdim=True)
    x = x / torch.where(greatest == 0, 1, greatest)
    square = (x * x).sum((1, 2), keepdim=True)
    size = torch.where(square == 0, 1, square).sqrt()
    return x / size, size * greatest


def perpendicular(x: Tensor, v: Tensor) -> Tensor:
    """x, v (n, r, c), |v| = 1 -> the foot of the perpendicular from x onto the plane orthogonal to v."""
    return x - (x * v).sum((1, 2), keepdim=True) * v


@implements(reference.Compass)
class Compass(nn.Module):
    """(W, M, R, G) -> (W, M, R) after one update, for a stack of n matrices (n, r, c) at once."""

    def __init__(self, rate: float, momentum: float, near: float, quintic: tuple[float, ...], steps: int):
        super().__init__()
        self.rate, self.momentum, self.near = rate, momentum, near
        self.quintic, self.steps = quintic, steps

    def fresh(self, w: Tensor) -> dict[str, Tensor]:
        """The state of a matrix (r, c) before its first update."""
        return {"m": torch.zeros_like(w), "radius": w.new_zeros(())}

    def forward(self, w: Tensor, m: Tensor, radius: Tensor, g: Tensor, lr: Tensor | float) -> tuple[Tensor, ...]:
        """w, m, g (n, r, c), radius (n,), lr a number -> (W, M, R)."""
        m = self.momentum * m + (1 - self.momentum) * g
        v, size = unit(w)
        radius = torch.where(radius == 0, size[:, 0, 0], radius)
        t, angle = self.tangent(v, m), self.rate * torch.as_tensor(lr, dtype=w.dtype, device=w.device)
        y, _ = unit(angle.cos() * v - angle.sin() * t)
        turns = (size != 0) & (t.abs().amax((1, 2), keepdim=True) != 0)
        return torch.where(turns, radius[:, None, None] * y, w), m, radius

    def tangent(self, v: Tensor, m: Tensor) -> Tensor:
        """v, m (n, r, c), |v| = 1 -> T, orthogonal to v and of length 1, 0 where m is almost parallel to v."""
        foot = perpendicular(unit(m)[0], v)
        parallel = (foot * foot).sum((1, 2), keepdim=True) <= self.near**2
        second = perpendicular(newton_schulz(foot, self.quintic, self.steps), v)
        return unit(torch.where(parallel, 0, second))[0]
