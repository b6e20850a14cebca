"""Learned absolute positions. Defined by `lyceum.personas.baseline.position`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.baseline import position as reference
from torch_ref.registry import implements


@implements(reference.LearnedPosition)
class LearnedPosition(nn.Module):
    """x (B, T, n_embd) -> x + weight[:T]; nothing for the mixers."""

    def __init__(self, block_size: int, n_embd: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(block_size, n_embd))

    def forward(self, x: Tensor, ids: Tensor) -> tuple[Tensor]:
        return (x + self.weight[: x.shape[1]],)

    def start(self, batch: int) -> tuple[Tensor]:
        """The place of the first token, (B,)."""
        return (torch.zeros(batch, dtype=torch.int64, device=self.weight.device),)

    def step(self, place: Tensor, x: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The place of n new tokens x (B, n, d) -> that of the next, and x with positions."""
        return place + x.shape[1], x + self.weight[place[:, None] + torch.arange(x.shape[1], device=x.device)]
