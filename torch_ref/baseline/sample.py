"""Plain sampling: temperature, top-k, top-p and min-p. Reference: `lyceum.personas.baseline.sample`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lyceum.personas.baseline import sample as reference
from torch_ref.common.sampling import Sampler, first, limit, surprise
from torch_ref.registry import implements


@implements(reference.Plain)
class Plain(Sampler):
    """Logits (..., V) -> the law of the token; `draw` for the token itself."""

    def __init__(self, temperature: float, top_k: int | None, top_p: float, min_p: float):
        super().__init__()
        self.temperature, self.top_k, self.top_p, self.min_p = temperature, top_k, top_p, min_p

    def tempered(self, logits: Tensor) -> Tensor:
        """logits / temperature: both the filters and the draw use them."""
        return super().tempered(logits) / self.temperature

    def allowed(self, logits: Tensor) -> Tensor:
        """logits (..., V) -> which tokens may be drawn, (..., V) bool."""
        n, s = self.weights(logits), surprise(self.tempered(logits))
        allowed = torch.ones_like(n, dtype=torch.bool)
        if self.top_k is not None:
            allowed = allowed & first(s, torch.ones_like(n), torch.full_like(n[..., 0], self.top_k))
        if self.top_p < 1:
            weight = n * allowed
            allowed = allowed & first(s, weight, limit(self.top_p, weight))
        if self.min_p > 0:
            allowed = allowed & (s <= -math.log(self.min_p))
        return allowed
