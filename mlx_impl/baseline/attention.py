"""Causal softmax attention on the fused kernel. Reference: `lyceum.personas.baseline.attention`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.baseline import attention as reference
from mlx_impl.registry import implements


def turned(x: mx.array, cos: mx.array, sin: mx.array, frame: mx.array | None = None, eps: float = 1e-5) -> mx.array:
    """x (B, H, T, w) turned by a rotary position module; sin has the sign of each half. A frame maps normalised x."""
    if frame is not None:
        x = mx.fast.rms_norm(x, None, eps) @ frame
    return x * cos + mx.roll(x, x.shape[-1] // 2, axis=-1) * sin


def seen(q: mx.array, k: mx.array) -> mx.array:
    """Queries (B, H, n, w) of the last n of t tokens, keys of all -> which keys each query may see, (n, t) bool."""
    n, t = q.shape[2], k.shape[2]
    return mx.tri(n, t, t - n, dtype=mx.float32) > 0


@implements(reference.Attention)
class Attention(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, eps: float):
        super().__init__()
        self.n_head, self.eps = n_head, eps
        self.qkv = nn.Linear(n_embd, 3 * n_embd, bias=False)
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: mx.array) -> mx.array:
        """(B, T, d) -> (B, H, T, d/H)."""
        return mx.unflatten(x, -1, (self.n_head, -1)).swapaxes(1, 2)

    def parts(self, x: mx.array, *rotation: mx.array) -> tuple[mx.array, ...]:
        """x (B, T, d) -> queries, keys and values, (B, H, T, d/H) each, turned if there is a rotation."""
        q, k, v = (self.heads(part) for part in mx.split(self.qkv(x), 3, axis=-1))
        if rotation:
            q, k = turned(q, *rotation, eps=self.eps), turned(k, *rotation, eps=self.eps)
        return q, k, v

    def joined(self, y: mx.array) -> mx.array:
        """Outputs of the heads, (B, H, T, d/H) -> (B, T, d)."""
        return self.out(y.swapaxes(1, 2).flatten(-2))

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """rotation: empty, or (cos, sin[, frame]) as in `turned`."""
        q, k, v = self.parts(x, *rotation)
        # MLX needs the scale that is PyTorch's default.
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask="causal")
        return self.joined(y)

    def scores(self, q: mx.array, k: mx.array) -> mx.array:
        """Queries and keys, (B, H, T, d/H) each -> scores (B, H, T, T), which the fused kernel does not form."""
        return q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5

    def attention(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """x (B, T, d) -> which earlier positions each head attends to, (B, H, T, T); rows sum to 1."""
        q, k, _ = self.parts(x, *rotation)
        return mx.softmax(mx.where(seen(q, k), self.scores(q, k), -mx.inf), axis=-1)

    def start(self, batch: int) -> tuple[mx.array, mx.array]:
        """The cache before the first token: keys and values."""
        width = self.out.weight.shape[0]
        empty = mx.zeros((batch, self.n_head, 0, width // self.n_head), self.out.weight.dtype)
        return empty, empty

    def step(self, k: mx.array, v: mx.array, x: mx.array, *rotation: mx.array) -> tuple[mx.array, ...]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d)."""
        q, *new = self.parts(x, *rotation)
        keys, values = (mx.concatenate(pair, axis=2) for pair in zip((k, v), new, strict=True))
        y = mx.fast.scaled_dot_product_attention(q, keys, values, scale=q.shape[-1] ** -0.5, mask=seen(q, keys))
        return keys, values, self.joined(y)
