"""A3, the syllogism: attention applied once and twice. Reference: `lyceum.personas.aristotle.attention`."""

from __future__ import annotations

import mlx.core as mx

from lyceum.personas.aristotle import attention as reference
from mlx_impl.baseline.attention import Attention, seen
from mlx_impl.registry import implements


@implements(reference.Syllogism)
class Syllogism(Attention):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, eps: float, initial_gate: float):
        super().__init__(n_embd, n_head, eps)
        self.gate = mx.full((n_head,), initial_gate)

    def middle(self, v: mx.array, premise: mx.array) -> mx.array:
        """Values v and premise P v -> middle terms v + g (P v - v), (B, H, T, d/H) each."""
        return v + mx.sigmoid(self.gate)[:, None, None] * (premise - v)

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """rotation: empty, or (cos, sin[, frame]) as in `turned`."""
        q, k, v = self.parts(x, *rotation)
        # MLX needs the scale that is PyTorch's default.
        scale = q.shape[-1] ** -0.5
        premise = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask="causal")
        middle = self.middle(v, premise)
        y = mx.fast.scaled_dot_product_attention(q, k, middle, scale=scale, mask="causal")
        return self.joined(y)

    def attention(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """x (B, T, d) -> (1 - g) P + g P P, (B, H, T, T)."""
        weights = super().attention(x, *rotation)
        return self.middle(weights, weights @ weights)

    def start(self, batch: int) -> tuple[mx.array, ...]:
        """The cache before the first token: keys, values and middle terms."""
        keys, values = super().start(batch)
        return keys, values, values

    def step(
        self, k: mx.array, v: mx.array, middle: mx.array, x: mx.array, *rotation: mx.array
    ) -> tuple[mx.array, ...]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d)."""
        q, new_k, new_v = self.parts(x, *rotation)
        keys, values = mx.concatenate([k, new_k], axis=2), mx.concatenate([v, new_v], axis=2)
        scale, mask = q.shape[-1] ** -0.5, seen(q, keys)
        premise = mx.fast.scaled_dot_product_attention(q, keys, values, scale=scale, mask=mask)
        middles = mx.concatenate([middle, self.middle(new_v, premise)], axis=2)
        y = mx.fast.scaled_dot_product_attention(q, keys, middles, scale=scale, mask=mask)
        return keys, values, middles, self.joined(y)
