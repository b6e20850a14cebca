"""Causal softmax attention on the fused kernel. Defined by `personas.baseline.attention`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn


def turned(x: mx.array, cos: mx.array, sin: mx.array) -> mx.array:
    """x (B, H, T, w) turned by a rotary position room; sin carries the sign of each half."""
    return x * cos + mx.roll(x, x.shape[-1] // 2, axis=-1) * sin


class Attention(nn.Module):
    """x (B, T, n_embd) -> the same shape."""

    def __init__(self, n_embd: int, n_head: int):
        super().__init__()
        self.n_head = n_head
        self.qkv = nn.Linear(n_embd, 3 * n_embd, bias=False)
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: mx.array) -> mx.array:
        """(B, T, d) -> (B, H, T, d/H)."""
        return mx.unflatten(x, -1, (self.n_head, -1)).swapaxes(1, 2)

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """rotation: nothing, or cos and sin as in `turned`."""
        q, k, v = (self.heads(part) for part in mx.split(self.qkv(x), 3, axis=-1))
        if rotation:
            q, k = turned(q, *rotation), turned(k, *rotation)
        # MLX asks for the scale that PyTorch takes by default.
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask="causal")
        return self.out(y.swapaxes(1, 2).flatten(-2))
