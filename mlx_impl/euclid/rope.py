"""E5, two mirrors: rotary positions in learned planes. Defined by `lyceum.personas.euclid.rope`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import rope as reference
from mlx_impl.baseline.attention import turned
from mlx_impl.registry import implements

TINY = 1e-6


@implements(reference.Mirrors)
class Mirrors(nn.Module):
    """ids -> what turns queries and keys: cos, sin and the frame for the mixers."""

    def __init__(self, n_head: int, width: int, base: float):
        super().__init__()
        self.n_head, self.width, self.n_mirror = n_head, width, 1 << (width - 1).bit_length()
        self.mirrors = mx.zeros((n_head * self.n_mirror * width,))
        self.angles = mx.zeros((n_head * width // 2,))
        self.gain = mx.zeros((n_head * width,))

    def _frame(self, dtype: mx.Dtype) -> mx.array:
        """diag(g) Q of each head, (H, w, w)."""
        v = self.mirrors.astype(dtype).reshape(self.n_head, self.n_mirror, self.width)
        square = mx.maximum(v.square().sum(-1, keepdims=True), TINY)
        q = mx.eye(self.width, dtype=dtype) - (2 / square * v)[..., None] * v[..., None, :]
        while q.shape[1] > 1:
            q = q[:, ::2] @ q[:, 1::2]
        return self.gain.astype(dtype).reshape(self.n_head, self.width, 1) * q[:, 0]

    def rotation(self, x: mx.array, place: mx.array) -> tuple[mx.array, ...]:
        """t (B, T) integers of any sign -> cos and sin, (B, H, T, w), and the frame, in x's dtype."""
        # In bfloat16 an angle of 64 radians would be 0.1 off.
        dtype = mx.float64 if x.dtype == mx.float64 else mx.float32
        angle = place[:, None, :, None] * self.angles.astype(dtype).reshape(self.n_head, 1, -1)
        cos, sin = mx.cos(angle), mx.sin(angle)
        turn = mx.concatenate([cos, cos], axis=-1), mx.concatenate([-sin, sin], axis=-1), self._frame(dtype)
        return tuple(part.astype(x.dtype) for part in turn)

    def turn(self, x: mx.array, place: mx.array) -> mx.array:
        """Queries or keys x (B, H, T, w) at t, place (B, T) -> the same shape."""
        return turned(x, *self.rotation(x, place))

    def __call__(self, x: mx.array, ids: mx.array) -> tuple[mx.array, ...]:
        """x (B, T, d), ids (B, T) -> x as it is, and cos, sin and the frame for the mixers."""
        return x, *self.rotation(x, mx.arange(x.shape[1])[None])

    def start(self, batch: int) -> tuple[mx.array]:
        """The place of the first token, (B,)."""
        return (mx.zeros((batch,), mx.int32),)

    def step(self, place: mx.array, x: mx.array, ids: mx.array) -> tuple[mx.array, ...]:
        """The place of the first of n new tokens -> that after them, and x, cos, sin and the frame of theirs."""
        new = place[:, None] + mx.arange(x.shape[1])
        return place + x.shape[1], x, *self.rotation(x, new)
