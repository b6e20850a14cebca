"""E20, motions of space. Reference: `lyceum.personas.euclid.equivariant`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.euclid import equivariant as reference
from torch_ref.euclid.norm import chord
from torch_ref.registry import implements


@implements(reference.VectorLinear)
class VectorLinear(nn.Module):
    """x (..., n n_in) -> (..., n n_out); the first coordinates of all arrows stand before all second ones."""

    def __init__(self, n_in: int, n_out: int, n: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_out, n_in))
        self.n = n

    def mix(self, arrows: Tensor) -> Tensor:
        """(..., n, n_in) -> (..., n, n_out)."""
        return F.linear(arrows, self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x.unflatten(-1, (self.n, -1))).flatten(-2)


@implements(reference.VectorPerceptron)
class VectorPerceptron(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, n: int):
        super().__init__()
        self.up, self.down = VectorLinear(n_embd // n, 2 * hidden, n), VectorLinear(hidden, n_embd // n, n)
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.up.mix(x.unflatten(-1, (self.n, -1))).chunk(2, dim=-1)
        gate = 1 + chord((a * b).sum(-2, keepdim=True))
        return self.down.mix(gate * b).flatten(-2)
