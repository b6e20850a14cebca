"""E10, extreme and mean ratio: the token whose cell holds a point. Reference: `lyceum.personas.euclid.sample`."""

from __future__ import annotations

import mlx.core as mx

from lyceum.personas.euclid import sample as reference
from mlx_impl.common.sampling import Sampler, inverse_cdf
from mlx_impl.registry import build, implements


@implements(reference.GoldenSection)
class GoldenSection(Sampler):
    """Logits (..., V) -> the law of the token; `draw` for a token. bits, shared: used in NumPy only."""

    def __init__(self, law, bits: int, shared: int):
        super().__init__()
        self.law = build(law)

    def tempered(self, logits: mx.array) -> mx.array:
        """The logits that the filters and the draw use."""
        return self.law.tempered(logits)

    def allowed(self, logits: mx.array) -> mx.array:
        """logits (..., V) -> which tokens may be drawn, (..., V) bool."""
        return self.law.allowed(logits)

    def cell(self, weight: mx.array, point: mx.array, width: mx.array) -> mx.array:
        """Weights (..., V), x, W (...) -> (..., 3) int64: the token's id, F before it, F up to it."""
        return inverse_cdf(weight, point, width)

    def draw(self, logits: mx.array, point: mx.array, width: mx.array) -> mx.array:
        """logits (..., V), x, W (...) -> (..., 6) int64: id, K, N, tokens allowed, F before, F up to."""
        n, allowed = self.weights(logits), self.allowed(logits)
        weight = n * allowed
        cell = self.cell(weight, point, width)
        counts = mx.stack([weight.sum(axis=-1), n.sum(axis=-1), allowed.sum(axis=-1)], axis=-1)
        return mx.concatenate([cell[..., :1], counts, cell[..., 1:]], axis=-1)
