"""E9, the sphere and the chord: norm and gated perceptron. Reference: `lyceum.personas.euclid.norm`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import norm as reference
from mlx_impl.common.gated import GatedPerceptron
from mlx_impl.registry import implements


def unit(x: mx.array, tiny: float) -> mx.array:
    """x (..., n_embd) -> the same shape, of length 1; shorter where |x| < tiny."""
    # Clamp the square, not the length: a root has no slope at 0, and the slope of its reciprocal overflows float16.
    return x / mx.sqrt(mx.maximum(mx.square(x).sum(-1, keepdims=True), tiny**2))


@implements(reference.SphereNorm)
class SphereNorm(nn.Module):
    """x (..., n_embd) -> the same shape, of length radius."""

    def __init__(self, n_embd: int, tiny: float):
        super().__init__()
        self.radius = mx.array(n_embd**0.5)
        self.tiny = tiny

    def __call__(self, x: mx.array) -> mx.array:
        return self.radius * unit(x, self.tiny)

    def frozen(self, x: mx.array, terms: mx.array) -> mx.array:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's length is a constant."""
        return self.radius * terms / mx.maximum(mx.linalg.norm(x, axis=-1), self.tiny)[..., None, None]


def chord(u: mx.array) -> mx.array:
    """u / sqrt(1 + u^2), elementwise."""
    bound = 2 * mx.finfo(u.dtype).eps ** -0.5  # beyond it the value is 1 to rounding
    u = mx.clip(u, -bound, bound)
    return u * mx.rsqrt(1 + mx.square(u))


@implements(reference.ChordPerceptron)
class ChordPerceptron(GatedPerceptron):
    """x (..., n_embd) -> the same shape."""

    def activate(self, u: mx.array) -> mx.array:
        """f(u), elementwise."""
        return chord(u)
