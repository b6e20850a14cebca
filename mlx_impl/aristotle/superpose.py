"""A15, many predicates: an embedding of predicates, bound by turning planes.

Reference: `lyceum.personas.aristotle.superpose`.
"""

from __future__ import annotations

import math

import mlx.core as mx

from lyceum.personas.aristotle import superpose as reference
from mlx_impl.aristotle.tokenize import CategoryTree
from mlx_impl.registry import implements


@implements(reference.Superposition)
class Superposition(CategoryTree):
    """ids -> vectors; the head is the tree's."""

    def __init__(self, n_embd: int, leaf, base_genus, base_species, base_individual, rows):
        super().__init__(n_embd, leaf, base_genus, base_species, base_individual)
        del self.embed_genus, self.embed_species, self.embed_individual
        self._rows = mx.array(rows)
        self._steps = mx.array(reference.steps(rows.shape[1], n_embd // 2))
        self.embed_predicate = mx.zeros((int(rows.max()) + 1, n_embd // 2))

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> (B, T, n_embd)."""
        a = self.embed_predicate[self._rows[ids]]
        angle = self._steps.astype(a.dtype) * (math.pi / len(self._steps))
        return mx.concatenate([(mx.cos(angle) * a).sum(-2), (mx.sin(angle) * a).sum(-2)], axis=-1)
