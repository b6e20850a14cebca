"""E20, motions of space. Reference: `lyceum.personas.euclid.equivariant`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import equivariant as reference
from mlx_impl.euclid.norm import chord
from mlx_impl.registry import implements


@implements(reference.VectorLinear)
class VectorLinear(nn.Module):
    """x (..., n n_in) -> (..., n n_out); the first coordinates of all arrows stand before all second ones."""

    def __init__(self, n_in: int, n_out: int, n: int):
        super().__init__()
        self.weight = mx.zeros((n_out, n_in))
        self.n = n

    def mix(self, arrows: mx.array) -> mx.array:
        """(..., n, n_in) -> (..., n, n_out)."""
        return arrows @ self.weight.T

    def __call__(self, x: mx.array) -> mx.array:
        return self.mix(mx.unflatten(x, -1, (self.n, -1))).flatten(-2)


@implements(reference.VectorPerceptron)
class VectorPerceptron(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, n: int):
        super().__init__()
        self.up, self.down = VectorLinear(n_embd // n, 2 * hidden, n), VectorLinear(hidden, n_embd // n, n)
        self.n = n

    def __call__(self, x: mx.array) -> mx.array:
        a, b = mx.split(self.up.mix(mx.unflatten(x, -1, (self.n, -1))), 2, axis=-1)
        gate = 1 + chord((a * b).sum(-2, keepdims=True))
        return self.down.mix(gate * b).flatten(-2)
