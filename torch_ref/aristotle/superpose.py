"""A15, many predicates: an embedding of predicates, bound by turning planes.

Reference: `lyceum.personas.aristotle.superpose`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import superpose as reference
from torch_ref.aristotle.tokenize import CategoryTree
from torch_ref.registry import implements


@implements(reference.Superposition)
class Superposition(CategoryTree):
    """ids -> vectors; the head is the tree's."""

    def __init__(self, n_embd: int, leaf, base_genus, base_species, base_individual, rows):
        super().__init__(n_embd, leaf, base_genus, base_species, base_individual)
        del self.embed_genus, self.embed_species, self.embed_individual
        self.register_buffer("rows", torch.from_numpy(rows).long(), persistent=False)
        steps = reference.steps(rows.shape[1], n_embd // 2)
        self.register_buffer("steps", torch.from_numpy(steps), persistent=False)
        self.embed_predicate = nn.Parameter(torch.zeros(int(rows.max()) + 1, n_embd))

    def keys(self) -> Tensor:
        """The transposes of R_k, one below the other, (K n_embd, n_embd), in the precision of the table."""
        like = self.embed_predicate
        angle = self.steps.to(like.dtype) * (2 * math.pi / len(self.steps))
        axes = torch.eye(angle.shape[1], dtype=like.dtype, device=like.device)
        cos, sin = angle.cos()[..., None] * axes, angle.sin()[..., None] * axes
        return torch.cat([torch.cat([cos, sin], dim=-1), torch.cat([-sin, cos], dim=-1)], dim=-2).flatten(0, 1)

    def embed(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> (B, T, n_embd)."""
        # One product turns all predicates and adds them up.
        return F.embedding(self.rows[ids], self.embed_predicate).flatten(-2) @ self.keys()
