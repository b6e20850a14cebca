"""A18, essence and accident. Reference: `lyceum.personas.aristotle.sparse`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import sparse as reference
from torch_ref.registry import build, implements


@implements(reference.SparseMLP)
class SparseMLP(nn.Module):
    """x (..., n_embd) -> the same shape. In evaluation mode only the tokens that pass are computed."""

    def __init__(self, n_embd: int, inner, target: float, rate: float):
        super().__init__()
        self.target, self.rate = target, rate
        self.router = nn.Linear(n_embd, 1)
        self.inner = build(inner)
        self.theta = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.register_buffer("latest", torch.zeros(2, dtype=torch.int64), persistent=False)

    def gate(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> (..., 1), 0 where a token does not pass."""
        return 2 * F.relu(self.router(x).sigmoid() - self.theta)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self.skipping(x)
        gate = self.gate(x)
        self.latest = self.counted(gate)
        return gate * self.inner(x)

    def computed_at(self, x: Tensor, gate: Tensor, rows: Tensor) -> Tensor:
        """x (N, n_embd), gate (N, 1), rows (n,) -> the weighed inner layer at these rows, 0 at the others."""
        return torch.zeros_like(x).index_copy(0, rows, gate[rows] * self.inner(x[rows]))

    def skipping(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same shape; the inner layer is given the tokens that pass, and none if none does."""
        flat = x.flatten(0, -2)
        gate = self.gate(flat)
        rows = gate[:, 0].nonzero()[:, 0]  # the host waits for the device here
        if len(rows) == 0:
            return torch.zeros_like(x)
        y = self.computed_at(flat, gate, rows) if len(rows) < len(flat) else gate * self.inner(flat)
        return y.view_as(x)

    def counted(self, gate: Tensor) -> Tensor:
        """gate (..., 1) -> how many tokens pass and how many do not, (2,)."""
        passes = gate > 0
        return torch.stack([passes.sum(), (~passes).sum()])

    def load(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same."""
        return self.counted(self.gate(x))

    def rebalanced(self, load: Tensor) -> Tensor:
        """load (2,) of a training step -> theta after it, (1,)."""
        return self.theta + self.rate * (load[:1] - self.target * load.sum()).sign().to(self.theta.dtype)

    @torch.no_grad()
    def update_router_bias(self) -> None:
        """After a training step: theta follows the load of its forward pass."""
        self.theta.copy_(self.rebalanced(self.latest))
