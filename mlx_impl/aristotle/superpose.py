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
        self.embed_predicate = mx.zeros((int(rows.max()) + 1, n_embd))

    def keys(self) -> mx.array:
        """The transposes of R_k, one below the other, (K n_embd, n_embd), in the precision of the table."""
        like = self.embed_predicate
        angle = self._steps.astype(like.dtype) * (2 * math.pi / len(self._steps))
        axes = mx.eye(angle.shape[1], dtype=like.dtype)
        cos, sin = mx.cos(angle)[..., None] * axes, mx.sin(angle)[..., None] * axes
        rows = mx.concatenate([cos, sin], axis=-1), mx.concatenate([-sin, cos], axis=-1)
        return mx.concatenate(rows, axis=-2).flatten(0, 1)

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> (B, T, n_embd)."""
        # One product turns all predicates and adds them up.
        return self.embed_predicate[self._rows[ids]].flatten(-2) @ self.keys()
