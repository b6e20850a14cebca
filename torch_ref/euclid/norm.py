"""E9, the sphere and the chord: norm and gated perceptron. Reference: `lyceum.personas.euclid.norm`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.euclid import norm as reference
from torch_ref.common.gated import GatedPerceptron
from torch_ref.registry import implements


def unit(x: Tensor, tiny: float) -> Tensor:
    """x (..., n_embd) -> the same shape, of length 1; shorter where |x| < tiny."""
    # Clamp the square, not the length: a root has no slope at 0, and the slope of its reciprocal overflows float16.
    return x / x.square().sum(-1, keepdim=True).clamp(min=tiny**2).sqrt()


@implements(reference.SphereNorm)
class SphereNorm(nn.Module):
    """x (..., n_embd) -> the same shape, of length radius."""

    def __init__(self, n_embd: int, tiny: float):
        super().__init__()
        self.radius = nn.Parameter(torch.tensor(n_embd**0.5))
        self.tiny = tiny

    def forward(self, x: Tensor) -> Tensor:
        return self.radius * unit(x, self.tiny)

    def frozen(self, x: Tensor, terms: Tensor) -> Tensor:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's length is a constant."""
        return self.radius * terms / x.norm(dim=-1).clamp(min=self.tiny)[..., None, None]


def chord(u: Tensor) -> Tensor:
    """u / sqrt(1 + u^2), elementwise."""
    bound = 2 * torch.finfo(u.dtype).eps ** -0.5  # beyond it the value is 1 to rounding
    u = F.hardtanh(u, -bound, bound)  # a clamp whose backward pass is one kernel
    return u * (1 + u.square()).rsqrt()


@implements(reference.ChordPerceptron)
class ChordPerceptron(GatedPerceptron):
    """x (..., n_embd) -> the same shape."""

    def activate(self, u: Tensor) -> Tensor:
        """f(u), elementwise."""
        return chord(u)
