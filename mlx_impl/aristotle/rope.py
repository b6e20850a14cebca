"""A5, the square of opposition: rotary positions by token and sentence. Reference: `lyceum.personas.aristotle.rope`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import rope as reference
from mlx_impl.baseline.attention import turned
from mlx_impl.registry import implements


@implements(reference.Opposition)
class Opposition(nn.Module):
    """ids -> the rotation of queries and keys, cos and sin."""

    def __init__(self, ends, frequencies, corners):
        super().__init__()
        # A leading underscore keeps an array out of the parameters.
        self._ends = mx.array(ends)
        self._frequencies = mx.array(frequencies)
        self._corners = mx.array(corners)

    def positions(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> (t, s), (B, T, 2) int32."""
        t = mx.broadcast_to(mx.arange(ids.shape[1], dtype=mx.int32), ids.shape)
        return mx.stack([t, mx.cumsum(self._ends[ids], axis=1, inclusive=False)], axis=-1)

    def rotation(self, x: mx.array, position: mx.array) -> tuple[mx.array, mx.array]:
        """positions (t, s), (B, T, 2) integers of any sign -> chi cos, chi sin, (B, H, T, w) each, in x's dtype."""
        t, s = position[:, None, :, :1], position[:, None, :, 1:]
        # In bfloat16 an angle of 64 radians would be 0.1 off.
        frequencies = self._frequencies.astype(mx.float64 if x.dtype == mx.float64 else mx.float32)
        angle = t * frequencies[0] + s * frequencies[1]
        a, b = self._corners[:, None, :1], self._corners[:, None, 1:]
        chi = 1 - 2 * ((t * a + s * b) & 1)
        cos, sin = chi * mx.cos(angle), chi * mx.sin(angle)
        return mx.concatenate([cos, cos], axis=-1).astype(x.dtype), mx.concatenate([-sin, sin], axis=-1).astype(x.dtype)

    def turn(self, x: mx.array, position: mx.array) -> mx.array:
        """Queries or keys x (B, H, T, w), positions (t, s), (B, T, 2) -> the same shape."""
        return turned(x, *self.rotation(x, position))

    def __call__(self, x: mx.array, ids: mx.array) -> tuple[mx.array, ...]:
        """x (B, T, d), ids (B, T) -> x unchanged, cos and sin."""
        return x, *self.rotation(x, self.positions(ids))

    def start(self, batch: int) -> tuple[mx.array]:
        """(t, s) of the first token, (B, 2)."""
        return (mx.zeros((batch, 2), mx.int32),)

    def step(self, position: mx.array, x: mx.array, ids: mx.array) -> tuple[mx.array, ...]:
        """(t, s) of the first of n new tokens, x and ids (B, n) -> (t, s) of the next token, and x, cos and sin."""
        # With one id more, whichever it is, the last position is that of the next token.
        new = position[:, None] + self.positions(mx.pad(ids, [(0, 0), (0, 1)]))
        return new[:, -1], x, *self.rotation(x, new[:, :-1])
