"""Newton-Schulz on a stack of matrices. Reference: `lyceum.personas.model.newton_schulz`."""

from __future__ import annotations

import torch
from torch import Tensor


def newton_schulz(m: Tensor, quintic: tuple[float, ...], steps: int) -> Tensor:
    """m (n, r, c) -> U of each, on the shorter side."""
    (a, b, c), wide = quintic, m.shape[1] <= m.shape[2]
    x, greatest = m if wide else m.mT, m.abs().amax((1, 2), keepdim=True)
    x = x / torch.where(greatest == 0, 1, greatest)
    size = (x * x).sum((1, 2), keepdim=True)
    x = x / torch.where(size == 0, 1, size).sqrt()
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.mT
