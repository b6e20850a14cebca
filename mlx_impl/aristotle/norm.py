"""A9, the golden mean: norm and gated perceptron. Reference: `lyceum.personas.aristotle.norm`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import norm as reference
from mlx_impl.common.gated import GatedPerceptron
from mlx_impl.registry import implements


@implements(reference.GoldenMean)
class GoldenMean(nn.Module):
    """x (..., n_embd) -> the same shape, over the geometric mean of mean|x| and rms, times the gain."""

    def __init__(self, n_embd: int, tiny: float):
        super().__init__()
        self.weight = mx.ones((n_embd,))
        self.tiny = tiny

    def scale(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> (..., 1)."""
        mean, square = mx.abs(x).mean(-1, keepdims=True), mx.square(x).mean(-1, keepdims=True)
        # A mean square below tiny is below the floor in any case. Clamped to it, the root has a finite slope at x = 0.
        return mx.sqrt(mx.maximum(mean * mx.sqrt(mx.maximum(square, self.tiny)), self.tiny))

    def __call__(self, x: mx.array) -> mx.array:
        return self.weight * (x / self.scale(x))

    def frozen(self, x: mx.array, terms: mx.array) -> mx.array:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's scale is a constant."""
        return self.weight * terms / self.scale(x)[..., None]


def mesotes(u: mx.array, power: float) -> mx.array:
    """u (1 + |u|^power)^(-1/power), elementwise."""
    if power == 1:  # MLX's backward pass squares the denominator: in float16 slopes are right up to |u| = 254
        return u / (1 + mx.abs(u))
    bound = (4 / mx.finfo(u.dtype).eps) ** (1 / power)  # beyond it the value is 1 to rounding
    u = mx.clip(u, -bound, bound)
    return u * (1 + mx.abs(u) ** power) ** (-1 / power)


@implements(reference.GatedMesotes)
class GatedMesotes(GatedPerceptron):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, power: float):
        super().__init__(n_embd, hidden)
        self.power = power

    def activate(self, u: mx.array) -> mx.array:
        """f(u), elementwise."""
        return mesotes(u, self.power)
