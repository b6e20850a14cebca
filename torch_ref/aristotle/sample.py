"""A10, modality: impossible, necessary and contingent tokens. Reference: `lyceum.personas.aristotle.sample`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lyceum.personas.aristotle import sample as reference
from torch_ref.common.sampling import WEIGHT_BITS, Sampler, first, limit, surprise, threshold
from torch_ref.registry import implements


@implements(reference.Modality)
class Modality(Sampler):
    """Logits (..., V) -> the law of the token; `draw` for the token itself."""

    def __init__(self, alpha: float, nu: float, tau: float):
        super().__init__()
        self.level = -math.log(alpha) if alpha else math.inf
        self.nu, self.tau = nu, tau

    def oddity(self, n: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """n, s (..., V) -> the weight of possible tokens, 0 for others, and |s - H|, (..., V) each."""
        possible = n * (s <= self.level)
        # Surprises in units of 2^-20 nats: a sum of integers, exact in any order.
        total = (possible * (s * 2**20).round().long()).sum(dim=-1, keepdim=True)
        mean = total.to(s.dtype) / possible.sum(dim=-1, keepdim=True).to(s.dtype) * 2**-20
        return possible, (s - mean).abs()

    def allowed(self, logits: Tensor) -> Tensor:
        """logits (..., V) -> which tokens may be drawn, (..., V) bool."""
        n, s = self.weights(logits), surprise(self.tempered(logits))
        possible, oddity = self.oddity(n, s)
        contingent = first(oddity.masked_fill(possible == 0, torch.inf), possible, limit(self.tau, possible))
        necessary = n << WEIGHT_BITS >= threshold(self.nu) * n.sum(dim=-1, keepdim=True)
        return torch.where(necessary.any(dim=-1, keepdim=True), necessary, contingent & (possible > 0))
