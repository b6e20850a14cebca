"""E22, the angle. Reference: `lyceum.personas.euclid.objective`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import objective as reference
from mlx_impl.registry import implements


@implements(reference.Angle)
class Angle(nn.Module):
    """What training adds while the angles count."""

    reads = reference.Angle.reads

    def __init__(self, until: float):
        super().__init__()

    def ask(self, x: mx.array, ids: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
        """x (B, T, d), ids, targets (B, T) -> what the head reads and is asked for."""
        return x, targets

    def losses(self, answers: mx.array, ids: mx.array, targets: mx.array, weight: mx.array) -> mx.array:
        """answers (B, T, 3), ids, targets (B, T), weight () -> what is added to the log loss, (B, T)."""
        log_prob, first, second = (answers[..., i] for i in range(3))
        return weight * (log_prob + (1 - first) + (1 - second))
