"""A20, the figure. Reference: `lyceum.personas.aristotle.equivariant`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import equivariant as reference
from torch_ref.aristotle.norm import mesotes
from torch_ref.registry import implements


@implements(reference.ComplexLinear)
class ComplexLinear(nn.Module):
    """x (..., 2 n_in) -> (..., 2 n_out); all real parts stand before all imaginary ones."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2 * n_out, n_in))

    def forward(self, x: Tensor) -> Tensor:
        real, imaginary = self.weight.chunk(2)
        rows = torch.cat([real, -imaginary], 1), torch.cat([imaginary, real], 1)
        return F.linear(x, torch.cat(rows))


@implements(reference.ComplexPerceptron)
class ComplexPerceptron(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, power: float):
        super().__init__()
        self.up, self.down = ComplexLinear(n_embd // 2, 2 * hidden), ComplexLinear(hidden, n_embd // 2)
        self.threshold = nn.Parameter(torch.ones(hidden))
        self.power = power

    def forward(self, x: Tensor) -> Tensor:
        a_real, b_real, a_imaginary, b_imaginary = self.up(x).chunk(4, dim=-1)
        gate = 1 + mesotes(a_real.square() + a_imaginary.square() - self.threshold, self.power)
        return self.down(torch.cat([gate * b_real, gate * b_imaginary], dim=-1))
