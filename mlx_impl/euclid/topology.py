"""E17, vertices, edges, faces. Reference: `lyceum.personas.euclid.topology`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import topology as reference
from mlx_impl.registry import implements


@implements(reference.Characteristic)
class Characteristic(nn.Module):
    """What training adds for the vectors of a batch's tokens."""

    reads = reference.Characteristic.reads

    def __init__(self, strength: float, every: int, share: float, width: float, tiny: float):
        super().__init__()
        self.every, self.share, self.width, self.tiny = every, share, width, tiny

    def ask(self, x: mx.array, ids: mx.array, targets: mx.array) -> tuple[mx.array, ...]:
        """ids (B, T) -> those whose vectors are taken, (B, m)."""
        return (ids[:, :: self.every],)

    def counts(self, vectors: mx.array, ids: mx.array) -> mx.array:
        """vectors (n, d), ids (n,) -> V, E and F, (3,). Of several vectors of one id the first counts."""
        first = ~mx.tril(ids[:, None] == ids, -1).any(1)
        pairs = mx.triu(first[:, None] & first, 1)
        square = mx.square(vectors[:, None] - vectors).sum(-1)
        mean = mx.where(pairs, square, 0).sum() / mx.maximum(pairs.sum(), 1)
        ratio = square / (self.share * mx.maximum(mean, self.tiny))
        t = mx.clip((1 - ratio) / self.width + 0.5, 0, 1)
        edge = mx.where(pairs, mx.square(t) * (3 - 2 * t), 0)
        return mx.stack([first.sum().astype(edge.dtype), edge.sum(), (edge @ edge * edge).sum()])

    def losses(self, vectors: mx.array, ids: mx.array, targets: mx.array, weight: mx.array) -> mx.array:
        """vectors (B, m, d), ids, targets (B, T), weight () -> what is added to the log loss, (B, T)."""
        vertices, edges, faces = self.counts(vectors.flatten(0, 1), ids[:, :: self.every].flatten())
        return mx.broadcast_to(weight * mx.square((vertices - edges + faces - 1) / vertices), ids.shape)
