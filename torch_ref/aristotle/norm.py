"""A9, the golden mean: norm and gated perceptron. Reference: `lyceum.personas.aristotle.norm`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import norm as reference
from torch_ref.common.gated import GatedPerceptron
from torch_ref.registry import implements


@implements(reference.GoldenMean)
class GoldenMean(nn.Module):
    """x (..., n_embd) -> the same shape, over the geometric mean of mean|x| and rms, times the gain."""

    def __init__(self, n_embd: int, tiny: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_embd))
        self.tiny = tiny

    def scale(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> (..., 1)."""
        mean, square = x.abs().mean(-1, keepdim=True), x.square().mean(-1, keepdim=True)
        # A mean square below tiny is below the floor in any case. Clamped to it, the root has a finite slope at x = 0.
        return (mean * square.clamp(min=self.tiny).sqrt()).clamp(min=self.tiny).sqrt()

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x / self.scale(x))

    def frozen(self, x: Tensor, terms: Tensor) -> Tensor:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's scale is a constant."""
        return self.weight * terms / self.scale(x)[..., None]


def mesotes(u: Tensor, power: float) -> Tensor:
    """u (1 + |u|^power)^(-1/power), elementwise."""
    if power == 1:
        return u / (1 + u.abs())
    bound = (4 / torch.finfo(u.dtype).eps) ** (1 / power)  # beyond it the value is 1 to rounding
    u = F.hardtanh(u, -bound, bound)  # a clamp whose backward pass is one kernel
    return u * (1 + u.abs() ** power) ** (-1 / power)


@implements(reference.GatedMesotes)
class GatedMesotes(GatedPerceptron):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, power: float):
        super().__init__(n_embd, hidden)
        self.power = power

    def activate(self, u: Tensor) -> Tensor:
        """f(u), elementwise."""
        return mesotes(u, self.power)
