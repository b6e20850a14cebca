"""A17, one genus, one component. Reference: `lyceum.personas.aristotle.topology`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import topology as reference
from mlx_impl.registry import implements


@implements(reference.OneComponent)
class OneComponent(nn.Module):
    """What training adds for the species of a batch."""

    reads = reference.OneComponent.reads

    def __init__(self, group, species: int, strength: float, every: int):
        super().__init__()
        self._group = mx.array(group)
        self.species, self.every = species, every

    def ask(self, x: mx.array, ids: mx.array, targets: mx.array) -> tuple[mx.array, ...]:
        """ids (B, T) -> the ids whose species are taken, (B, m)."""
        return (ids[:, :: self.every],)

    def deaths(self, vectors: mx.array, group: mx.array) -> mx.array:
        """vectors (n, d), species (n,) -> (n, n): the lengths of the tree's edges above the diagonal, else 0."""
        n = len(group)
        # Of several vectors of one species the first counts.
        first = ~mx.tril(group[:, None] == group, -1).any(1)
        counts = (first[:, None] & first) & ~mx.eye(n, dtype=mx.bool_)
        squares = mx.square(vectors[:, None] - vectors).sum(-1)
        distance = mx.sqrt(mx.where(counts, squares, 1))  # a root has no slope at 0
        direct = mx.where(counts, mx.stop_gradient(distance), mx.inf)
        longest = direct
        for _ in range((n - 1).bit_length()):
            longest = mx.minimum(longest, mx.maximum(longest[:, :, None], longest).min(1))
        return mx.triu(mx.where((direct <= longest) & counts, distance, 0))

    def losses(self, vectors: mx.array, ids: mx.array, targets: mx.array, weight: mx.array) -> mx.array:
        """vectors (B, m, d), ids, targets (B, T), weight () -> what is added to the log loss, (B, T)."""
        group = self._group[ids[:, :: self.every].flatten()]
        tree, genus = self.deaths(vectors.flatten(0, 1), group), group // self.species
        same, edge = genus[:, None] == genus, tree > 0
        within, between = same & edge, ~same & edge
        both = within.any() & between.any()
        means = [mx.where(sort, tree, 0).sum() / mx.maximum(sort.sum(), 1) for sort in (within, between)]
        inner, outer = (mx.where(both, mean, 1) for mean in means)
        return mx.broadcast_to(weight * mx.log(inner / outer), ids.shape)
