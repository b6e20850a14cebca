"""A3, the syllogism: attention and its conclusion. Defined by `personas.aristotle.attention`."""

from __future__ import annotations

import mlx.core as mx

from mlx_impl.baseline.attention import Attention, turned


class Syllogism(Attention):
    """x (B, T, n_embd) -> the same shape."""

    def __init__(self, n_embd: int, n_head: int):
        super().__init__(n_embd, n_head)
        self.gate = mx.zeros((n_head,))

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """rotation: nothing, or cos and sin as in `turned`."""
        q, k, v = (self.heads(part) for part in mx.split(self.qkv(x), 3, axis=-1))
        if rotation:
            q, k = turned(q, *rotation), turned(k, *rotation)
        # MLX asks for the scale that PyTorch takes by default.
        scale = q.shape[-1] ** -0.5
        premise = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask="causal")
        middle = v + mx.sigmoid(self.gate)[:, None, None] * (premise - v)
        y = mx.fast.scaled_dot_product_attention(q, k, middle, scale=scale, mask="causal")
        return self.out(y.swapaxes(1, 2).flatten(-2))
