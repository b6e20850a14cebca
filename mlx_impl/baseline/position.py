"""Learned absolute positions. Defined by `personas.baseline.position`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn


class LearnedPosition(nn.Module):
    """x (B, T, n_embd) -> x + weight[:T]; nothing for the mixers."""

    def __init__(self, block_size: int, n_embd: int):
        super().__init__()
        self.weight = mx.zeros((block_size, n_embd))

    def __call__(self, x: mx.array, ids: mx.array) -> tuple[mx.array]:
        return (x + self.weight[: x.shape[1]],)
