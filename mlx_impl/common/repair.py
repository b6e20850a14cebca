"""What the repairs of both personas compute on rows. Reference: `lyceum.personas.repair.rows`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn


class Repair(nn.Module):
    """A persona adds `project`, or restores in another way."""

    def __init__(self, every: int, period: int, rate: float):
        super().__init__()
        self.every, self.period, self.rate = every, period, rate

    def distance(self, w: mx.array, a: mx.array) -> mx.array:
        """w, a (..., c) -> the distance of each row, (...)."""
        return self.length(w - a)

    def length(self, a: mx.array) -> mx.array:
        """a (..., c) -> the length of each row, (...)."""
        return (a * a).sum(-1).sqrt()

    def follow(self, a: mx.array, w: mx.array) -> mx.array:
        """The average a after it has followed w."""
        return a + self.rate * (w - a)

    def restore(self, w: mx.array, a: mx.array, hurt: mx.array) -> mx.array:
        """w, a (n, r, c), hurt (n, r) integers -> the matrices with a's rows where hurt is not 0, projected."""
        return self.project(mx.where(hurt[..., None] != 0, a, w), a)
