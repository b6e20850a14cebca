"""A10, modality: impossible, necessary and contingent tokens. Reference: `lyceum.personas.aristotle.sample`."""

from __future__ import annotations

import math

import mlx.core as mx

from lyceum.personas.aristotle import sample as reference
from mlx_impl.common.sampling import WEIGHT_BITS, Sampler, first, limit, surprise, threshold
from mlx_impl.registry import implements


@implements(reference.Modality)
class Modality(Sampler):
    """Logits (..., V) -> the law of the token; `draw` for the token itself."""

    def __init__(self, alpha: float, nu: float, tau: float):
        super().__init__()
        self.level = -math.log(alpha) if alpha else math.inf
        self.nu, self.tau = nu, tau

    def oddity(self, n: mx.array, s: mx.array) -> tuple[mx.array, mx.array]:
        """n, s (..., V) -> the weight of possible tokens, 0 for others, and |s - H|, (..., V) each."""
        possible = n * (s <= self.level)
        # Surprises in units of 2^-20 nats: a sum of integers, exact in any order.
        total = (possible * mx.round(s * 2**20).astype(mx.int64)).sum(axis=-1, keepdims=True)
        mean = total.astype(s.dtype) / possible.sum(axis=-1, keepdims=True).astype(s.dtype) * 2**-20
        return possible, mx.abs(s - mean)

    def allowed(self, logits: mx.array) -> mx.array:
        """logits (..., V) -> which tokens may be drawn, (..., V) bool."""
        n, s = self.weights(logits), surprise(self.tempered(logits))
        possible, oddity = self.oddity(n, s)
        contingent = first(mx.where(possible > 0, oddity, mx.inf), possible, limit(self.tau, possible))
        weight = n.astype(mx.int64)
        necessary = (weight << WEIGHT_BITS) >= threshold(self.nu) * weight.sum(axis=-1, keepdims=True)
        return mx.where(necessary.any(axis=-1, keepdims=True), necessary, mx.logical_and(contingent, possible > 0))
