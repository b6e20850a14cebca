"""LayerNorm without bias, fused. Reference: `lyceum.personas.baseline.norm`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.baseline import norm as reference
from torch_ref.registry import implements


@implements(reference.LayerNorm)
class LayerNorm(nn.Module):
    """x (..., n_embd) -> the same shape, centred, of unit variance, times the gain."""

    def __init__(self, n_embd: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_embd))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, None, self.eps)

    def frozen(self, x: Tensor, terms: Tensor) -> Tensor:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's deviation is a constant."""
        scale = (x.var(dim=-1, correction=0) + self.eps).sqrt()[..., None, None]
        return self.weight * (terms - terms.mean(dim=-1, keepdim=True)) / scale
