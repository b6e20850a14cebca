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
        self.embed_predicate = nn.Parameter(torch.zeros(int(rows.max()) + 1, n_embd // 2))

    def embed(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> (B, T, n_embd)."""
        a = F.embedding(self.rows[ids], self.embed_predicate)
        angle = self.steps.to(a.dtype) * (math.pi / len(self.steps))
        return torch.cat([(angle.cos() * a).sum(-2), (angle.sin() * a).sum(-2)], dim=-1)
