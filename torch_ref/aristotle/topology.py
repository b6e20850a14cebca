"""A17, one genus, one component. Reference: `lyceum.personas.aristotle.topology`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.aristotle import topology as reference
from torch_ref.registry import implements


@implements(reference.OneComponent)
class OneComponent(nn.Module):
    """What training adds for the species of a batch."""

    reads = reference.OneComponent.reads

    def __init__(self, group, species: int, strength: float, every: int):
        super().__init__()
        self.register_buffer("group", torch.from_numpy(group).long(), persistent=False)
        self.species, self.every = species, every

    def ask(self, x: Tensor, ids: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """ids (B, T) -> the ids whose species are taken, (B, m)."""
        return (ids[:, :: self.every],)

    def deaths(self, vectors: Tensor, group: Tensor) -> Tensor:
        """vectors (n, d), species (n,) -> (n, n): the lengths of the tree's edges above the diagonal, else 0."""
        n = len(group)
        # Of several vectors of one species the first counts.
        first = ~torch.tril(group[:, None] == group, -1).any(1)
        counts = (first[:, None] & first) & ~torch.eye(n, dtype=torch.bool, device=group.device)
        squares = (vectors[:, None] - vectors).square().sum(-1)
        distance = torch.where(counts, squares, 1).sqrt()  # a root has no slope at 0
        direct = torch.where(counts, distance.detach(), torch.inf)
        longest = direct
        for _ in range((n - 1).bit_length()):
            longest = torch.minimum(longest, torch.maximum(longest[:, :, None], longest).amin(1))
        return torch.where((direct <= longest) & counts, distance, 0).triu()

    def losses(self, vectors: Tensor, ids: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
        """vectors (B, m, d), ids, targets (B, T), weight () -> what is added to the log loss, (B, T)."""
        group = self.group[ids[:, :: self.every].flatten()]
        tree, genus = self.deaths(vectors.flatten(0, 1), group), group // self.species
        same, edge = genus[:, None] == genus, tree > 0
        within, between = same & edge, ~same & edge
        both = within.any() & between.any()
        means = [torch.where(sort, tree, 0).sum() / sort.sum().clamp(min=1) for sort in (within, between)]
        inner, outer = (torch.where(both, mean, 1) for mean in means)
        return (weight * (inner / outer).log()).expand(ids.shape)
