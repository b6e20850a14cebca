"""E15, equiangular lines. Reference: `lyceum.personas.euclid.superpose`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.euclid import superpose as reference
from lyceum.personas.euclid.superpose.diagonals import corners, order
from torch_ref.registry import implements


@implements(reference.EquiangularPerceptron)
class EquiangularPerceptron(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int):
        super().__init__()
        self.n_embd, q = n_embd, order(n_embd)
        self.gain, self.threshold = nn.Parameter(torch.zeros(q + 1)), nn.Parameter(torch.zeros(q + 1))
        self.register_buffer("corners", torch.from_numpy(corners(q)), persistent=False)

    def frame(self) -> Tensor:
        """F, (n, n_embd), in the precision of the gains."""
        like, q = self.gain, len(self.corners)
        angle = self.corners.to(like.dtype) * (2 * math.pi / q)
        lines = torch.cat([torch.ones_like(angle[:, :1]), 2 * angle.cos(), 2 * angle.sin()], dim=1) * q**-0.5
        first = torch.eye(1, self.n_embd, dtype=like.dtype, device=like.device)
        return torch.cat([first, F.pad(lines, (0, self.n_embd - lines.shape[1]))])

    def features(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> z, (..., n), at least 0."""
        return F.relu(x @ self.frame().T - self.threshold)

    def rows(self) -> Tensor:
        """What each feature adds to the stream, (n, n_embd)."""
        return self.gain[:, None] * self.frame()

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x) @ self.rows()
