"""The two-layer perceptron with the erf GELU. Reference: `lyceum.personas.baseline.mlp`."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.baseline import mlp as reference
from torch_ref.registry import implements


@implements(reference.MLP)
class MLP(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int):
        super().__init__()
        self.up = nn.Linear(n_embd, 4 * n_embd, bias=False)
        self.down = nn.Linear(4 * n_embd, n_embd, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))
