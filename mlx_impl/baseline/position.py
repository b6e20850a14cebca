"""Learned absolute positions. Reference: `lyceum.personas.baseline.position`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.baseline import position as reference
from mlx_impl.registry import implements


@implements(reference.LearnedPosition)
class LearnedPosition(nn.Module):
    """x (B, T, n_embd) -> (x + weight[:T],): there is no rotation."""

    def __init__(self, block_size: int, n_embd: int):
        super().__init__()
        self.weight = mx.zeros((block_size, n_embd))

    def __call__(self, x: mx.array, ids: mx.array) -> tuple[mx.array]:
        return (x + self.weight[: x.shape[1]],)

    def start(self, batch: int) -> tuple[mx.array]:
        """The position of the first token, (B,)."""
        return (mx.zeros((batch,), mx.int32),)

    def step(self, position: mx.array, x: mx.array, ids: mx.array) -> tuple[mx.array, mx.array]:
        """position (B,) of the first of n new tokens x (B, n, d) -> that of the next token, and x with positions."""
        return position + x.shape[1], x + self.weight[position[:, None] + mx.arange(x.shape[1])]
