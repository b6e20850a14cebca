"""E6, attention on latents that are orthogonal projections. Reference: `lyceum.personas.euclid.mla`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import mla as reference
from mlx_impl.baseline.attention import seen
from mlx_impl.common.rotary import turned
from mlx_impl.euclid.mla.reflections import Mirrors
from mlx_impl.registry import implements


@implements(reference.Projection)
class Projection(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, n_latent: int, n_rotary: int, base: float):
        super().__init__()
        self.n_head, self.n_latent, self.base = n_head, n_latent, base
        self.scale = (n_embd // n_head + n_rotary) ** -0.5
        self.plane = Mirrors(n_embd, n_latent)
        self.rotary_key = nn.Linear(n_embd, n_rotary, bias=False)
        self.query = nn.Linear(n_embd, n_embd + n_head * n_rotary, bias=False)
        self.up = nn.Linear(n_latent, 2 * n_embd, bias=False)
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: mx.array) -> mx.array:
        """(B, T, H w) -> (B, H, T, w)."""
        return mx.unflatten(x, -1, (self.n_head, -1)).swapaxes(1, 2)

    def latents(self, x: mx.array, offset: int = 0) -> mx.array:
        """x (B, T, d) from position `offset` on -> the cached (B, T, n_latent + n_rotary): c, then r."""
        return mx.concatenate([self.plane(x), turned(self.rotary_key(x), offset, self.base)], axis=-1)

    def queries(self, x: mx.array, offset: int) -> tuple[mx.array, mx.array]:
        """x (B, T, d) -> queries (B, H, T, dh), and their rotary parts, turned."""
        q, rotary = mx.split(self.query(x), [x.shape[-1]], axis=-1)
        return self.heads(q), turned(self.heads(rotary), offset, self.base)

    def joined(self, y: mx.array) -> mx.array:
        """Outputs of the heads, (B, H, T, dh) -> (B, T, d)."""
        return self.out(y.swapaxes(1, 2).flatten(-2))

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """rotation: ignored, since it turns its keys itself."""
        c, r = mx.split(self.latents(x), [self.n_latent], axis=-1)
        k, v = (self.heads(part) for part in mx.split(self.up(c), 2, axis=-1))
        k = mx.concatenate([k, mx.broadcast_to(r[:, None], (*k.shape[:3], r.shape[-1]))], axis=-1)
        q = mx.concatenate(self.queries(x, 0), axis=-1)
        return self.joined(mx.fast.scaled_dot_product_attention(q, k, v, scale=self.scale, mask="causal"))

    def start(self, batch: int) -> tuple[mx.array]:
        """The cache before the first token: latents and rotary keys."""
        return (mx.zeros((batch, 0, self.n_latent + self.rotary_key.weight.shape[0]), self.out.weight.dtype),)

    def step(self, cached: mx.array, x: mx.array, *rotation: mx.array) -> tuple[mx.array, mx.array]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d), in absorbed form."""
        q, rotary = self.queries(x, cached.shape[1])
        cached = mx.concatenate([cached, self.latents(x, cached.shape[1])], axis=1)
        up, values = self.up.weight.reshape(2, self.n_head, -1, self.n_latent)
        q, both = mx.concatenate([q @ up, rotary], axis=-1), cached[:, None]
        y = mx.fast.scaled_dot_product_attention(q, both, both, scale=self.scale, mask=seen(q, both))
        return cached, self.joined(y[..., : self.n_latent] @ values.swapaxes(-1, -2))
