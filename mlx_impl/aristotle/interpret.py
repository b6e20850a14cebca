"""A16, the lens of causes: contributions and attention. Reference: `lyceum.personas.aristotle.interpret`."""

from __future__ import annotations

from collections.abc import Iterable

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import interpret as reference
from mlx_impl.common.lens import Lens
from mlx_impl.registry import implements


@implements(reference.Causes)
class Causes(Lens):
    """ids (B, T) -> what each term gives to the logits of targets, and where heads look."""

    def contributions(self, ids: mx.array, targets: mx.array) -> mx.array:
        """ids, targets (B, T) -> what each term, and last the base rate, gives to each logit, (B, T, n + 1, L)."""
        terms = self.terms(ids)
        vectors, constants = self.vocabulary.directions(targets)
        parts = self.norm.frozen(terms.sum(axis=-2), terms)
        return mx.concatenate([parts @ vectors.swapaxes(-1, -2), constants[..., None, :]], axis=-2)

    def attention(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> where the heads of all mixers that attend look, (B, T, heads, T)."""

        def see(layer: nn.Module, y: mx.array, *inputs: mx.array) -> Iterable[mx.array]:
            return layer.attention(*inputs).swapaxes(0, 1) if hasattr(layer, "attention") else ()

        return self.seen(ids, see)
