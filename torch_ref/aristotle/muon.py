"""A7, premises and conclusion: Muon with a cautious mask. Reference: `lyceum.personas.aristotle.muon`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.aristotle import muon as reference
from torch_ref.common.newton_schulz import newton_schulz
from torch_ref.registry import implements


@implements(reference.Muon)
class Muon(nn.Module):
    """(W, M, G) -> (W, M) after one update, for a stack of n matrices (n, r, c) at once."""

    def __init__(
        self,
        rate: float,
        momentum: float,
        weight_decay: float,
        adam_rms: float,
        quintic: tuple[float, ...],
        steps: int,
    ):
        super().__init__()
        self.rate, self.momentum, self.weight_decay, self.adam_rms = rate, momentum, weight_decay, adam_rms
        self.quintic, self.steps = quintic, steps

    def fresh(self, w: Tensor) -> dict[str, Tensor]:
        """The state of a matrix (r, c) beside W itself, before its first update."""
        return {"m": torch.zeros_like(w)}

    def forward(self, w: Tensor, m: Tensor, g: Tensor, lr: Tensor | float) -> tuple[Tensor, Tensor]:
        """w, m, g (n, r, c), lr a number -> (W, M)."""
        m = self.momentum * m + (1 - self.momentum) * g
        step = self.adam_rms * max(w.shape[1:]) ** 0.5 * self.conclude(self.orthogonal(m), g)
        return w * (1 - self.rate * lr * self.weight_decay) - self.rate * lr * step, m

    def orthogonal(self, m: Tensor) -> Tensor:
        """m (n, r, c) -> the same shape."""
        return newton_schulz(m, self.quintic, self.steps)

    def conclude(self, u: Tensor, g: Tensor) -> Tensor:
        """u, g (n, r, c) -> the same shape. Signs are compared, since products of tiny numbers underflow."""
        agreed = u * (u.sign() * g.sign() > 0)
        size = (agreed * agreed).sum((1, 2), keepdim=True)
        growth = (u * u).sum((1, 2), keepdim=True) / torch.where(size == 0, 1, size)
        return agreed * torch.where(size == 0, 1, growth).sqrt()
