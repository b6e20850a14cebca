"""E18, the nearest k entries. Reference: `lyceum.personas.euclid.sparse`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import sparse as reference
from mlx_impl.registry import build, implements


@implements(reference.SparsePerceptron)
class SparsePerceptron(nn.Module):
    """x (..., n_embd) -> the same shape. In evaluation mode a few tokens are computed by their k rows."""

    def __init__(self, inner, k: int):
        super().__init__()
        self.inner, self.k = build(inner), k

    def greatest(self, h: mx.array) -> mx.array:
        """(..., n) -> which entries are the k of greatest modulus, of equal ones the first."""
        size = mx.abs(mx.stop_gradient(h))
        least = mx.sort(size, axis=-1)[..., -self.k, None]
        above, level = size > least, size == least
        return above | (level & (level.cumsum(-1) <= self.k - above.sum(-1, keepdims=True)))

    def project(self, h: mx.array) -> mx.array:
        """h (..., n) -> P(h), the same shape."""
        return h * self.greatest(h)

    def __call__(self, x: mx.array) -> mx.array:
        if not self.training and self.k * x.size < self.inner.rows().size:
            return self.by_rows(x)
        return self.project(self.inner.features(x)) @ self.inner.rows()

    def by_rows(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same, by k rows for each token."""
        h = self.inner.features(x)
        chosen = mx.argpartition(~self.greatest(h), self.k - 1, axis=-1)[..., : self.k]
        return (mx.take_along_axis(h, chosen, axis=-1)[..., None, :] @ self.inner.rows()[chosen]).squeeze(-2)
