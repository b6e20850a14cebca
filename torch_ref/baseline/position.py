"""Learned absolute positions. Reference: `lyceum.personas.baseline.position`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.baseline import position as reference
from torch_ref.registry import implements


@implements(reference.LearnedPosition)
class LearnedPosition(nn.Module):
    """x (B, T, n_embd) -> (x + weight[:T],): there is no rotation."""

    def __init__(self, block_size: int, n_embd: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(block_size, n_embd))

    def forward(self, x: Tensor, ids: Tensor) -> tuple[Tensor]:
        return (x + self.weight[: x.shape[1]],)

    def start(self, batch: int) -> tuple[Tensor]:
        """The position of the first token, (B,)."""
        return (torch.zeros(batch, dtype=torch.int64, device=self.weight.device),)

    def step(self, position: Tensor, x: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """position (B,) of the first of n new tokens x (B, n, d) -> that of the next token, and x with positions."""
        return position + x.shape[1], x + self.weight[position[:, None] + torch.arange(x.shape[1], device=x.device)]
