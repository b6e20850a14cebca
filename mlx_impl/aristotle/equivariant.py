"""A20, the figure. Reference: `lyceum.personas.aristotle.equivariant`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import equivariant as reference
from mlx_impl.aristotle.norm import mesotes
from mlx_impl.registry import implements


@implements(reference.ComplexLinear)
class ComplexLinear(nn.Module):
    """x (..., 2 n_in) -> (..., 2 n_out); all real parts stand before all imaginary ones."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.weight = mx.zeros((2 * n_out, n_in))

    def __call__(self, x: mx.array) -> mx.array:
        real, imaginary = self.weight.split(2)
        rows = mx.concatenate([real, -imaginary], 1), mx.concatenate([imaginary, real], 1)
        return x @ mx.concatenate(rows).T


@implements(reference.ComplexPerceptron)
class ComplexPerceptron(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, power: float):
        super().__init__()
        self.up, self.down = ComplexLinear(n_embd // 2, 2 * hidden), ComplexLinear(hidden, n_embd // 2)
        self.threshold = mx.ones((hidden,))
        self.power = power

    def __call__(self, x: mx.array) -> mx.array:
        a_real, b_real, a_imaginary, b_imaginary = self.up(x).split(4, axis=-1)
        gate = 1 + mesotes(mx.square(a_real) + mx.square(a_imaginary) - self.threshold, self.power)
        return self.down(mx.concatenate([gate * b_real, gate * b_imaginary], axis=-1))
