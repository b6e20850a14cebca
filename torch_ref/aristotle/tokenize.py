"""A8, the categories: a tree as embedding and output head. Reference: `lyceum.personas.aristotle.tokenize`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import tokenize as reference
from torch_ref.registry import implements


@implements(reference.CategoryTree)
class CategoryTree(nn.Module):
    """ids -> vectors, and vectors -> log probabilities; a target costs its path, not the vocabulary."""

    def __init__(self, n_embd: int, leaf, base_genus, base_species, base_individual):
        super().__init__()
        self.shape = base_individual.shape
        self.register_buffer("leaf", torch.from_numpy(leaf).long(), persistent=False)
        self.register_buffer("base_genus", torch.from_numpy(base_genus), persistent=False)
        self.register_buffer("base_species", torch.from_numpy(base_species), persistent=False)
        self.register_buffer("base_individual", torch.from_numpy(base_individual), persistent=False)
        self.embed_genus = nn.Parameter(torch.zeros(base_genus.size, n_embd))
        self.head_genus = nn.Parameter(torch.zeros(base_genus.size, n_embd))
        self.embed_species = nn.Parameter(torch.zeros(base_species.size, n_embd))
        self.head_species = nn.Parameter(torch.zeros(base_species.size, n_embd))
        self.embed_individual = nn.Parameter(torch.zeros(base_individual.size, n_embd))
        self.head_individual = nn.Parameter(torch.zeros(base_individual.size, n_embd))

    def species_vectors(self, ids: Tensor) -> Tensor:
        """ids (...) -> (..., n_embd): the embedding without what is individual."""
        group = self.leaf[ids] // self.shape[2]
        return F.embedding(group // self.shape[1], self.embed_genus) + F.embedding(group, self.embed_species)

    def embed(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> (B, T, n_embd)."""
        return self.species_vectors(ids) + F.embedding(self.leaf[ids], self.embed_individual)

    def log_prob(self, x: Tensor, targets: Tensor) -> Tensor:
        """x (..., n_embd), targets (...) -> (...), nats, along the targets' paths only."""
        flat, leaf = x.flatten(0, -2), self.leaf[targets.flatten()]
        group, individual = leaf // self.shape[2], leaf % self.shape[2]
        genus, species = group // self.shape[1], group % self.shape[1]
        # All species in one product, then those of the target's genus: cheaper than gathering a table for each token.
        all_species = (flat @ self.head_species.T).unflatten(-1, self.shape[:2])
        among_species = all_species.take_along_dim(genus[:, None, None], dim=1)[:, 0]
        # One row has the vectors of all individuals of a species, so that one gather fetches them.
        table = F.embedding(group, self.head_individual.view(-1, self.shape[2] * flat.shape[-1]))
        among_individuals = torch.bmm(table.unflatten(-1, (self.shape[2], -1)), flat[:, :, None])[:, :, 0]
        base_individual = self.base_individual.flatten(0, 1)[group]
        loss = (
            F.cross_entropy(flat @ self.head_genus.T + self.base_genus, genus, reduction="none")
            + F.cross_entropy(among_species + self.base_species[genus], species, reduction="none")
            + F.cross_entropy(among_individuals + base_individual, individual, reduction="none")
        )
        return -loss.view(targets.shape)

    def log_probs(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> (..., V), nats: every node of the tree."""
        genus = F.log_softmax(x @ self.head_genus.T + self.base_genus, dim=-1)
        among_species = (x @ self.head_species.T).unflatten(-1, self.shape[:2])
        species = F.log_softmax(among_species + self.base_species, dim=-1)
        individual = (x @ self.head_individual.T).unflatten(-1, self.shape) + self.base_individual
        tree = genus[..., None, None] + species[..., None] + F.log_softmax(individual, dim=-1)
        return tree.flatten(-3)[..., self.leaf]

    def directions(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """targets (...) -> vectors (..., 3, d) and constants (..., 3): LOGITS are vector . x + constant."""
        leaf = self.leaf[targets]
        group = leaf // self.shape[2]
        rows = (group // self.shape[1], group, leaf)
        tables = (self.head_genus, self.head_species, self.head_individual)
        bases = (self.base_genus, self.base_species.flatten(), self.base_individual.flatten())
        vectors = [F.embedding(row, table) for row, table in zip(rows, tables, strict=True)]
        constants = [base[row] for row, base in zip(rows, bases, strict=True)]
        return torch.stack(vectors, dim=-2), torch.stack(constants, dim=-1).to(vectors[0].dtype)

    def uncertainty(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> entropy of the genus, entropy of the species, greatest log p(species), (..., 3), nats."""
        genus = F.log_softmax(x @ self.head_genus.T + self.base_genus, dim=-1)
        among_species = (x @ self.head_species.T).unflatten(-1, self.shape[:2])
        species = F.log_softmax(among_species + self.base_species, dim=-1)
        # The chain rule of entropy: short sums, which float32 adds well.
        among_genera = -(genus.exp() * genus).sum(-1)
        within = -(species.exp() * species).sum(-1)
        likeliest = (genus + species.amax(-1)).amax(-1)
        return torch.stack([among_genera, among_genera + (genus.exp() * within).sum(-1), likeliest], dim=-1)
