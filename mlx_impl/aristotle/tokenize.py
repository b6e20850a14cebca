"""A8, the categories: a tree as embedding and output head. Reference: `lyceum.personas.aristotle.tokenize`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import tokenize as reference
from mlx_impl.registry import implements


def log_softmax(x: mx.array) -> mx.array:
    """Over the last axis. MLX 0.32.4's nn.log_softmax is compiled once for all shapes: traced where the axis has one
    element, it drops the broadcast, and then reads out of bounds where the axis has more."""
    return x - mx.logsumexp(x, axis=-1, keepdims=True)


@implements(reference.CategoryTree)
class CategoryTree(nn.Module):
    """ids -> vectors, and vectors -> log probabilities; a target costs its path, not the vocabulary."""

    def __init__(self, n_embd: int, leaf, base_genus, base_species, base_individual):
        super().__init__()
        self.shape = base_individual.shape
        # A leading underscore keeps an array out of the parameters.
        self._leaf = mx.array(leaf)
        self._base_genus = mx.array(base_genus)
        self._base_species = mx.array(base_species)
        self._base_individual = mx.array(base_individual)
        self.embed_genus = mx.zeros((base_genus.size, n_embd))
        self.head_genus = mx.zeros((base_genus.size, n_embd))
        self.embed_species = mx.zeros((base_species.size, n_embd))
        self.head_species = mx.zeros((base_species.size, n_embd))
        self.embed_individual = mx.zeros((base_individual.size, n_embd))
        self.head_individual = mx.zeros((base_individual.size, n_embd))

    def species_vectors(self, ids: mx.array) -> mx.array:
        """ids (...) -> (..., n_embd): the embedding without what is individual."""
        group = self._leaf[ids] // self.shape[2]
        return self.embed_genus[group // self.shape[1]] + self.embed_species[group]

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> (B, T, n_embd)."""
        return self.species_vectors(ids) + self.embed_individual[self._leaf[ids]]

    def log_prob(self, x: mx.array, targets: mx.array) -> mx.array:
        """x (..., n_embd), targets (...) -> (...), nats, along the targets' paths only."""
        flat, leaf = x.flatten(0, -2), self._leaf[targets.flatten()]
        group, individual = leaf // self.shape[2], leaf % self.shape[2]
        genus, species = group // self.shape[1], group % self.shape[1]
        # All species in one product, then those of the target's genus: cheaper than gathering a table for each token.
        all_species = mx.unflatten(flat @ self.head_species.T, -1, self.shape[:2])
        among_species = mx.take_along_axis(all_species, genus[:, None, None], axis=1)[:, 0]
        # One row has the vectors of all individuals of a species, so that one gather fetches them.
        table = self.head_individual.reshape(-1, self.shape[2], flat.shape[-1])[group]
        among_individuals = (table @ flat[:, :, None])[:, :, 0]
        base_individual = self._base_individual.flatten(0, 1)[group]
        loss = (
            nn.losses.cross_entropy(flat @ self.head_genus.T + self._base_genus, genus)
            + nn.losses.cross_entropy(among_species + self._base_species[genus], species)
            + nn.losses.cross_entropy(among_individuals + base_individual, individual)
        )
        return -loss.reshape(targets.shape)

    def log_probs(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> (..., V), nats: every node of the tree."""
        genus = log_softmax(x @ self.head_genus.T + self._base_genus)
        among_species = mx.unflatten(x @ self.head_species.T, -1, self.shape[:2])
        species = log_softmax(among_species + self._base_species)
        individual = mx.unflatten(x @ self.head_individual.T, -1, self.shape) + self._base_individual
        tree = genus[..., None, None] + species[..., None] + log_softmax(individual)
        return tree.flatten(-3)[..., self._leaf]

    def directions(self, targets: mx.array) -> tuple[mx.array, mx.array]:
        """targets (...) -> vectors (..., 3, d) and constants (..., 3): LOGITS are vector . x + constant."""
        leaf = self._leaf[targets]
        group = leaf // self.shape[2]
        rows = (group // self.shape[1], group, leaf)
        tables = (self.head_genus, self.head_species, self.head_individual)
        bases = (self._base_genus, self._base_species.flatten(), self._base_individual.flatten())
        vectors = [table[row] for row, table in zip(rows, tables, strict=True)]
        constants = [base[row] for row, base in zip(rows, bases, strict=True)]
        return mx.stack(vectors, axis=-2), mx.stack(constants, axis=-1).astype(vectors[0].dtype)

    def uncertainty(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> entropy of the genus, entropy of the species, greatest log p(species), (..., 3), nats."""
        genus = log_softmax(x @ self.head_genus.T + self._base_genus)
        among_species = mx.unflatten(x @ self.head_species.T, -1, self.shape[:2])
        species = log_softmax(among_species + self._base_species)
        # The chain rule of entropy: short sums, which float32 adds well.
        among_genera = -(mx.exp(genus) * genus).sum(-1)
        within = -(mx.exp(species) * species).sum(-1)
        likeliest = (genus + species.max(-1)).max(-1)
        return mx.stack([among_genera, among_genera + (mx.exp(genus) * within).sum(-1), likeliest], axis=-1)
