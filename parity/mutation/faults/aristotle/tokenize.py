"""Faults in A8, the categories."""

from __future__ import annotations

from parity.mutation.planting import Fault

TREE = "aristotle.tokenize"

FAULTS = (
    Fault("species of the wrong genus", "divided by the number of genera", TREE, "tokenize",
          torch=("F.embedding(group // self.shape[1],", "F.embedding(group // self.shape[0],"),
          mlx=("self.embed_genus[group // self.shape[1]]", "self.embed_genus[group // self.shape[0]]")),
    Fault("base rates left out", "scored the individuals without their base rates", TREE, "tokenize",
          torch=("among_individuals + base_individual", "among_individuals"),
          mlx=("among_individuals + base_individual", "among_individuals")),
    Fault("no gradient into a level", "detached the species of the embedding", TREE, "tokenize",
          torch=("F.embedding(group, self.embed_species)", "F.embedding(group, self.embed_species).detach()"),
          mlx=("self.embed_species[group]", "mx.stop_gradient(self.embed_species[group])")),
)
