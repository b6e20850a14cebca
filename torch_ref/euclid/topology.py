"""E17, vertices, edges, faces. Reference: `lyceum.personas.euclid.topology`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.euclid import topology as reference
from torch_ref.registry import implements


@implements(reference.Characteristic)
class Characteristic(nn.Module):
    """What training adds for the vectors of a batch's tokens."""

    reads = reference.Characteristic.reads

    def __init__(self, strength: float, every: int, share: float, width: float, tiny: float):
        super().__init__()
        self.every, self.share, self.width, self.tiny = every, share, width, tiny

    def ask(self, x: Tensor, ids: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """ids (B, T) -> those whose vectors are taken, (B, m)."""
        return (ids[:, :: self.every],)

    def counts(self, vectors: Tensor, ids: Tensor) -> Tensor:
        """vectors (n, d), ids (n,) -> V, E and F, (3,). Of several vectors of one id the first counts."""
        first = ~torch.tril(ids[:, None] == ids, -1).any(1)
        pairs = (first[:, None] & first).triu(1)
        square = (vectors[:, None] - vectors).square().sum(-1)
        mean = torch.where(pairs, square, 0).sum() / pairs.sum().clamp(min=1)
        ratio = square / (self.share * mean.clamp(min=self.tiny))
        t = ((1 - ratio) / self.width + 0.5).clamp(0, 1)
        edge = torch.where(pairs, t.square() * (3 - 2 * t), 0)
        return torch.stack([first.sum().to(edge.dtype), edge.sum(), (edge @ edge * edge).sum()])

    def losses(self, vectors: Tensor, ids: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
        """vectors (B, m, d), ids, targets (B, T), weight () -> what is added to the log loss, (B, T)."""
        vertices, edges, faces = self.counts(vectors.flatten(0, 1), ids[:, :: self.every].flatten())
        return (weight * ((vertices - edges + faces - 1) / vertices).square()).expand(ids.shape)
