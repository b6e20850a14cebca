"""E10, extreme and mean ratio: the token in whose cell a code point lies. Defined by `lyceum.personas.euclid.sample`."""

from __future__ import annotations

import mlx.core as mx

from lyceum.personas.euclid import sample as reference
from mlx_impl.common.sampling import Sampler, inverse_cdf
from mlx_impl.registry import build, implements


@implements(reference.GoldenSection)
class GoldenSection(Sampler):
    """Logits (..., V) -> the law of the token; `draw` for the token itself. bits, shared: of the codes, in NumPy."""

    def __init__(self, law, bits: int, shared: int):
        super().__init__()
        self.law = build(law)

    def tempered(self, logits: mx.array) -> mx.array:
        """The logits that are judged and drawn from."""
        return self.law.tempered(logits)

    def allowed(self, logits: mx.array) -> mx.array:
        """logits (..., V) -> which tokens may be said, (..., V) bool."""
        return self.law.allowed(logits)

    def cell(self, held: mx.array, point: mx.array, width: mx.array) -> mx.array:
        """Weights (..., V), x, W (...) -> (..., 3) int64: the token's id, F before it, F up to it."""
        return inverse_cdf(held, point, width)

    def draw(self, logits: mx.array, point: mx.array, width: mx.array) -> mx.array:
        """logits (..., V), x, W (...) -> (..., 6) int64: id, K, N, tokens kept, F before, F up to."""
        n, kept = self.weights(logits), self.allowed(logits)
        held = n * kept
        found = self.cell(held, point, width)
        counts = mx.stack([held.sum(axis=-1), n.sum(axis=-1), kept.sum(axis=-1)], axis=-1)
        return mx.concatenate([found[..., :1], counts, found[..., 1:]], axis=-1)
