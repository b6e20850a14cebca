"""What the repairs of both personas compute on rows. Reference: `lyceum.personas.repair.rows`."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Repair(nn.Module):
    """A persona adds `project`, or restores in another way."""

    def __init__(self, every: int, period: int, rate: float):
        super().__init__()
        self.every, self.period, self.rate = every, period, rate

    def distance(self, w: Tensor, a: Tensor) -> Tensor:
        """w, a (..., c) -> the distance of each row, (...)."""
        return self.length(w - a)

    def length(self, a: Tensor) -> Tensor:
        """a (..., c) -> the length of each row, (...)."""
        return torch.linalg.vector_norm(a, dim=-1)

    def follow(self, a: Tensor, w: Tensor) -> Tensor:
        """The average a after it has followed w."""
        return torch.lerp(a, w, self.rate)

    def restore(self, w: Tensor, a: Tensor, hurt: Tensor) -> Tensor:
        """w, a (n, r, c), hurt (n, r) integers -> the matrices with a's rows where hurt is not 0, projected."""
        return self.project(torch.where(hurt[..., None] != 0, a, w), a)
