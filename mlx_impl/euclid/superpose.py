"""E15, equiangular lines. Reference: `lyceum.personas.euclid.superpose`."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import superpose as reference
from lyceum.personas.euclid.superpose.diagonals import corners, order
from mlx_impl.registry import implements


@implements(reference.EquiangularPerceptron)
class EquiangularPerceptron(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int):
        super().__init__()
        self.n_embd, q = n_embd, order(n_embd)
        self.gain, self.threshold = mx.zeros((q + 1,)), mx.zeros((q + 1,))
        self._corners = mx.array(corners(q))

    def frame(self) -> mx.array:
        """F, (n, n_embd), in the precision of the gains."""
        like, q = self.gain, len(self._corners)
        angle = self._corners.astype(like.dtype) * (2 * math.pi / q)
        lines = mx.concatenate([mx.ones_like(angle[:, :1]), 2 * mx.cos(angle), 2 * mx.sin(angle)], axis=1) * q**-0.5
        first = mx.eye(1, self.n_embd, dtype=like.dtype)
        return mx.concatenate([first, mx.pad(lines, ((0, 0), (0, self.n_embd - lines.shape[1])))])

    def features(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> z, (..., n), at least 0."""
        return nn.relu(x @ self.frame().T - self.threshold)

    def rows(self) -> mx.array:
        """What each feature adds to the stream, (n, n_embd)."""
        return self.gain[:, None] * self.frame()

    def __call__(self, x: mx.array) -> mx.array:
        return self.features(x) @ self.rows()
