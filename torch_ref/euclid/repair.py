"""E14, the nearest perpendicular frame. Reference: `lyceum.personas.euclid.repair`."""

from __future__ import annotations

import torch
from torch import Tensor

from lyceum.personas.euclid import repair as reference
from torch_ref.common.newton_schulz import newton_schulz
from torch_ref.common.repair import Repair
from torch_ref.registry import implements


@implements(reference.Superposition)
class Superposition(Repair):
    """Hurt rows return along perpendiculars, lost rows with the motion of the others."""

    def __init__(
        self, every: int, period: int, rate: float, near: float, stiff: float, quintic: tuple[float, ...], steps: int
    ):
        super().__init__(every, period, rate)
        self.near, self.stiff, self.quintic, self.steps = near, stiff, quintic, steps

    def foot(self, w: Tensor, a: Tensor) -> Tensor:
        """w, a (n, r, c) -> the point of each row's line that is nearest to its average."""
        greatest = w.abs().amax(-1, keepdim=True)
        w = w / torch.where(greatest == 0, 1, greatest)
        square = (w * w).sum(-1, keepdim=True)
        return (a * w).sum(-1, keepdim=True) / torch.where(square == 0, 1, square) * w

    def frame(self, m: Tensor) -> Tensor:
        """m (n, c, c) -> the nearest orthogonal matrices."""
        return newton_schulz(m, self.quintic, self.steps)

    def motion(self, w: Tensor, a: Tensor, lost: Tensor) -> Tensor:
        """w, a (n, r, c), lost (n, r) integers -> O, (n, c, c)."""
        there = lost[..., None] == 0
        stiff = self.stiff * (a * a).sum(1).mean(-1)
        m = torch.where(there, a, 0).mT @ torch.where(there, w, 0)
        return self.frame(m + stiff[:, None, None] * torch.eye(a.shape[2], dtype=a.dtype, device=a.device))

    def restore(self, w: Tensor, a: Tensor, hurt: Tensor) -> Tensor:
        """w, a (n, r, c), hurt (n, r) integers -> the matrices with their hurt rows returned."""
        foot = self.foot(w, a)
        near = self.length(a - foot) <= self.near * self.length(a)
        w = torch.where(((hurt != 0) & near)[..., None], foot, w)
        lost = (hurt != 0) & ~near
        return torch.where(lost[..., None], a @ self.motion(w, a, lost), w)
