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
