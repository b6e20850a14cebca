"""E3, the circle: attention by distance, on the fused kernel. Reference: `lyceum.personas.euclid.attention`."""

from __future__ import annotations

import mlx.core as mx

from lyceum.personas.euclid import attention as reference
from mlx_impl.baseline.attention import Attention, seen
from mlx_impl.registry import implements


@implements(reference.CircleAttention)
class CircleAttention(Attention):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, eps: float):
        super().__init__(n_embd, n_head, eps)
        self.log_beta = mx.zeros((n_head,))

    def lifted(self, q: mx.array, k: mx.array) -> tuple[mx.array, mx.array]:
        """Queries (B, H, n, w), keys (B, H, t, w) -> both of width w + 1; their product is the score."""
        origin = mx.stop_gradient(k[:, :, :1])
        q, k = q - origin, k - origin
        q = 2 * mx.exp(self.log_beta)[:, None, None] * mx.concatenate([q, mx.ones_like(q[..., :1])], axis=-1)
        return q, mx.concatenate([k, -0.5 * k.square().sum(-1, keepdims=True)], axis=-1)

    def scores(self, q: mx.array, k: mx.array) -> mx.array:
        """Queries and keys, (B, H, T, w) each -> scores (B, H, T, T)."""
        q, k = self.lifted(q, k)
        return q @ k.swapaxes(-1, -2)

    def attended(self, q: mx.array, k: mx.array, v: mx.array) -> mx.array:
        """Queries, keys and values, (B, H, T, w) each -> y, the same shape."""
        q, k = self.lifted(q, k)
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=1.0, mask="causal")

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """rotation: empty, or (cos, sin[, frame]) as in `turned`."""
        return self.joined(self.attended(*self.parts(x, *rotation)))

    def step(self, k: mx.array, v: mx.array, x: mx.array, *rotation: mx.array) -> tuple[mx.array, ...]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d)."""
        q, *new = self.parts(x, *rotation)
        keys, values = (mx.concatenate(pair, axis=2) for pair in zip((k, v), new, strict=True))
        y = mx.fast.scaled_dot_product_attention(*self.lifted(q, keys), values, scale=1.0, mask=seen(q, keys))
        return keys, values, self.joined(y)
