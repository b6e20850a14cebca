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

    def features(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the hidden layer, (..., 4 n_embd)."""
        return F.gelu(self.up(x))

    def rows(self) -> Tensor:
        """What each entry of the hidden layer adds to the stream, (4 n_embd, n_embd)."""
        return self.down.weight.T

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.features(x))
