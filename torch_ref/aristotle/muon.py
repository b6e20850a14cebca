"""A7, premises and conclusion: the rule of Muon with a cautious mask. Defined by `personas.aristotle.muon`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

QUINTIC, STEPS = (3.4445, -4.7750, 2.0315), 5
ADAMS = 0.2


class Muon(nn.Module):
    """(W, M, G) -> (W, M) after one update, for a stack of n matrices (n, r, c) at once."""

    def __init__(self, rate: float, momentum: float, weight_decay: float):
        super().__init__()
        self.rate, self.momentum, self.weight_decay = rate, momentum, weight_decay

    def forward(self, w: Tensor, m: Tensor, g: Tensor, lr: Tensor | float) -> tuple[Tensor, Tensor]:
        """w, m, g (n, r, c), lr a number -> (W, M)."""
        m = self.momentum * m + (1 - self.momentum) * g
        step = ADAMS * max(w.shape[1:]) ** 0.5 * self.conclude(self.orthogonal(m), g)
        return w * (1 - self.rate * lr * self.weight_decay) - self.rate * lr * step, m

    def orthogonal(self, m: Tensor) -> Tensor:
        """m (n, r, c) -> the same shape: Newton-Schulz on the shorter side."""
        (a, b, c), wide = QUINTIC, m.shape[1] <= m.shape[2]
        x, greatest = m if wide else m.mT, m.abs().amax((1, 2), keepdim=True)
        x = x / torch.where(greatest == 0, 1, greatest)
        size = (x * x).sum((1, 2), keepdim=True)
        x = x / torch.where(size == 0, 1, size).sqrt()
        for _ in range(STEPS):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        return x if wide else x.mT

    def conclude(self, u: Tensor, g: Tensor) -> Tensor:
        """u, g (n, r, c) -> the same shape: signs are compared, since products of small numbers underflow."""
        kept = u * (u.sign() * g.sign() > 0)
        size = (kept * kept).sum((1, 2), keepdim=True)
        growth = (u * u).sum((1, 2), keepdim=True) / torch.where(size == 0, 1, size)
        return kept * torch.where(size == 0, 1, growth).sqrt()
