"""LayerNorm without bias, fused. Reference: `lyceum.personas.baseline.norm`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.baseline import norm as reference
from mlx_impl.registry import implements


@implements(reference.LayerNorm)
class LayerNorm(nn.Module):
    """x (..., n_embd) -> the same shape, centred, of unit variance, times the gain."""

    def __init__(self, n_embd: int, eps: float):
        super().__init__()
        self.weight = mx.ones((n_embd,))
        self.eps = eps

    def __call__(self, x: mx.array) -> mx.array:
        return mx.fast.layer_norm(x, self.weight, None, self.eps)

    def frozen(self, x: mx.array, terms: mx.array) -> mx.array:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's deviation is a constant."""
        scale = mx.sqrt(x.var(axis=-1) + self.eps)[..., None, None]
        return self.weight * (terms - terms.mean(axis=-1, keepdims=True)) / scale
