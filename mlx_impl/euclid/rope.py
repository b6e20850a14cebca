"""E5, two mirrors: rotary positions in learned planes. Reference: `lyceum.personas.euclid.rope`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import rope as reference
from mlx_impl.baseline.attention import turned
from mlx_impl.registry import implements


@implements(reference.Mirrors)
class Mirrors(nn.Module):
    """x, ids -> x, and the rotation of queries and keys for the mixers: cos, sin and the frame."""

    def __init__(self, n_head: int, width: int, base: float, tiny: float):
        super().__init__()
        self.n_head, self.width, self.tiny = n_head, width, tiny
        self.n_mirror = 1 << (width - 1).bit_length()
        self.mirrors = mx.zeros((n_head * self.n_mirror * width,))
        self.angles = mx.zeros((n_head * width // 2,))
        self.gain = mx.zeros((n_head * width,))

    def _frame(self, dtype: mx.Dtype) -> mx.array:
        """diag(g) Q of each head, (H, w, w)."""
        v = self.mirrors.astype(dtype).reshape(self.n_head, self.n_mirror, self.width)
        square = mx.maximum(v.square().sum(-1, keepdims=True), self.tiny)
        q = mx.eye(self.width, dtype=dtype) - (2 / square * v)[..., None] * v[..., None, :]
        while q.shape[1] > 1:
            q = q[:, ::2] @ q[:, 1::2]
        return self.gain.astype(dtype).reshape(self.n_head, self.width, 1) * q[:, 0]

    def rotation(self, x: mx.array, position: mx.array) -> tuple[mx.array, ...]:
        """position (B, T), integers of any sign -> cos and sin, (B, H, T, w), and the frame, of x's dtype."""
        # In bfloat16 an angle of 64 radians would be 0.1 off.
        dtype = mx.float64 if x.dtype == mx.float64 else mx.float32
        angle = position[:, None, :, None] * self.angles.astype(dtype).reshape(self.n_head, 1, -1)
        cos, sin = mx.cos(angle), mx.sin(angle)
        turn = mx.concatenate([cos, cos], axis=-1), mx.concatenate([-sin, sin], axis=-1), self._frame(dtype)
        return tuple(part.astype(x.dtype) for part in turn)

    def turn(self, x: mx.array, position: mx.array) -> mx.array:
        """Queries or keys x (B, H, T, w), position (B, T) -> x turned, the same shape."""
        return turned(x, *self.rotation(x, position))

    def __call__(self, x: mx.array, ids: mx.array) -> tuple[mx.array, ...]:
        """x (B, T, d), ids (B, T) -> x unchanged, and cos, sin and the frame for the mixers."""
        return x, *self.rotation(x, mx.arange(x.shape[1])[None])

    def start(self, batch: int) -> tuple[mx.array]:
        """The position of the first token, (B,)."""
        return (mx.zeros((batch,), mx.int32),)

    def step(self, position: mx.array, x: mx.array, ids: mx.array) -> tuple[mx.array, ...]:
        """The position of the first of n new tokens -> the position after them, x, and their cos, sin and frame."""
        new = position[:, None] + mx.arange(x.shape[1])
        return position + x.shape[1], x, *self.rotation(x, new)
