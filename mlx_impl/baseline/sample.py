"""Plain sampling: temperature, top-k, top-p and min-p. Reference: `lyceum.personas.baseline.sample`."""

from __future__ import annotations

import math

import mlx.core as mx

from lyceum.personas.baseline import sample as reference
from mlx_impl.common.sampling import Sampler, first, limit, surprise
from mlx_impl.registry import implements


@implements(reference.Plain)
class Plain(Sampler):
    """Logits (..., V) -> the law of the token; `draw` for the token itself."""

    def __init__(self, temperature: float, top_k: int | None, top_p: float, min_p: float):
        super().__init__()
        self.temperature, self.top_k, self.top_p, self.min_p = temperature, top_k, top_p, min_p

    def tempered(self, logits: mx.array) -> mx.array:
        """logits / temperature: both the filters and the draw use them."""
        return super().tempered(logits) / self.temperature

    def allowed(self, logits: mx.array) -> mx.array:
        """logits (..., V) -> which tokens may be drawn, (..., V) bool."""
        n, s = self.weights(logits), surprise(self.tempered(logits))
        # logical_and: MLX 0.32.4 vmaps & wrongly.
        allowed = mx.ones(n.shape, mx.bool_)
        if self.top_k is not None:
            allowed = mx.logical_and(allowed, first(s, mx.ones_like(n), mx.full(n.shape[:-1], self.top_k, mx.int32)))
        if self.top_p < 1:
            weight = n * allowed
            allowed = mx.logical_and(allowed, first(s, weight, limit(self.top_p, weight)))
        if self.min_p > 0:
            allowed = mx.logical_and(allowed, s <= -math.log(self.min_p))
        return allowed
