"""A18, essence and accident. Reference: `lyceum.personas.aristotle.sparse`."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from lyceum.personas.aristotle import sparse as reference
from mlx_impl.registry import build, implements


@implements(reference.SparseMLP)
class SparseMLP(nn.Module):
    """x (..., n_embd) -> the same shape. In evaluation mode only the tokens that pass are computed."""

    def __init__(self, n_embd: int, inner, target: float, rate: float):
        super().__init__()
        self.target, self.rate = target, rate
        self.router = nn.Linear(n_embd, 1)
        self.inner = build(inner)
        self.theta = mx.zeros((1,))
        self.freeze(keys=["theta"], recurse=False)
        self._latest = mx.zeros((2,), mx.int32)

    def gate(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> (..., 1), 0 where a token does not pass."""
        return 2 * nn.relu(mx.sigmoid(self.router(x)) - self.theta)

    def __call__(self, x: mx.array) -> mx.array:
        if not self.training:
            return self.skipping(x)
        gate = self.gate(x)
        self._latest = self.counted(gate)
        return gate * self.inner(x)

    def computed_at(self, x: mx.array, gate: mx.array, rows: mx.array) -> mx.array:
        """x (N, n_embd), gate (N, 1), rows (n,) -> the weighed inner layer at these rows, 0 at the others."""
        y = gate[rows] * self.inner(x[rows])
        # Read, not written: MLX has no forward-mode derivative of a scatter. The last row is that of all the others.
        at = mx.full((len(x),), len(rows)).at[rows].add(mx.arange(len(rows)) - len(rows))
        return mx.concatenate([y, mx.zeros_like(y[:1])])[at]

    def skipping(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same shape; the inner layer is given the tokens that pass, and none if none does."""
        flat = x.flatten(0, -2)
        gate = self.gate(flat)
        rows = mx.array(np.flatnonzero(np.array(gate[:, 0] > 0)))  # the host waits for the device here
        if len(rows) == 0:
            return mx.zeros_like(x)
        y = self.computed_at(flat, gate, rows) if len(rows) < len(flat) else gate * self.inner(flat)
        return y.reshape(x.shape)

    def counted(self, gate: mx.array) -> mx.array:
        """gate (..., 1) -> how many tokens pass and how many do not, (2,)."""
        passes = mx.stop_gradient(gate) > 0
        return mx.stack([passes.sum(), (~passes).sum()])

    def load(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same."""
        return self.counted(self.gate(x))

    def rebalanced(self, load: mx.array) -> mx.array:
        """load (2,) of a training step -> theta after it, (1,)."""
        return self.theta + self.rate * mx.sign(load[:1] - self.target * load.sum()).astype(self.theta.dtype)

    def update_router_bias(self) -> None:
        """After a training step: theta follows the load of its forward pass."""
        self.theta = self.rebalanced(self._latest)
