"""E6, the projection onto a plane. Reference: `lyceum.personas.euclid.mla.reflections`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid.mla import reflections as reference
from lyceum.personas.euclid.mla.reflections import merges
from mlx_impl.common.sampling import wide
from mlx_impl.registry import implements


@implements(reference.Mirrors)
class Mirrors(nn.Module):
    """x (..., n_embd) -> (..., n_line), the foot's coordinates in the plane."""

    def __init__(self, n_embd: int, n_line: int):
        super().__init__()
        self.weight = mx.eye(n_line, n_embd)
        self._merges = mx.array(merges(n_line))

    def frame(self) -> mx.array:
        """F (n_embd, n_line), orthonormal columns, in float32 at least."""
        v = wide(self.weight)
        v = v / mx.linalg.norm(v, axis=-1, keepdims=True)
        n, d = v.shape
        t = 2 * mx.eye(n, dtype=v.dtype)
        for gained in v @ v.T * self._merges.astype(v.dtype):
            t = t - t @ gained @ t
        return mx.eye(d, n, dtype=v.dtype) - v.T @ (t @ v[:, :n])

    def __call__(self, x: mx.array) -> mx.array:
        return x @ self.frame().astype(x.dtype)
