"""A6, the organon: attention on latents with four types of heads. Reference: `lyceum.personas.aristotle.mla`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import mla as reference
from mlx_impl.common.rotary import turned
from mlx_impl.registry import implements

N_TYPES = len(reference.HEAD_TYPES)


def before(x: mx.array) -> mx.array:
    """x (..., T, w) -> x of the position before, zero before position 0."""
    return mx.concatenate([mx.zeros_like(x[..., :1, :]), x[..., :-1, :]], axis=-2)


def by_type(now: mx.array, past: mx.array) -> mx.array:
    """Keys or scores of a position and of the one before it, both (B, H, ...) -> those that each type of heads uses."""
    (demonstration, _, dialectic, analogy), (_, induction, was, _) = (mx.split(x, N_TYPES, axis=1) for x in (now, past))
    return mx.concatenate([demonstration, induction, dialectic - was, analogy], axis=1)


@implements(reference.LatentAttention)
class LatentAttention(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, n_latent: int, n_rotary: int, base: float, eps: float):
        super().__init__()
        self.n_head, self.widths, self.base, self.eps = n_head, (n_latent, n_rotary), base, eps
        self.scale = (n_embd // n_head + n_rotary) ** -0.5
        self.down = nn.Linear(n_embd, n_latent + n_rotary, bias=False)
        self.query = nn.Linear(n_embd, n_embd + n_head * n_rotary, bias=False)
        self.contrast = nn.Linear(n_embd, n_embd // N_TYPES, bias=False)
        self.up = nn.Linear(n_latent, 2 * n_embd, bias=False)
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: mx.array) -> mx.array:
        """(B, T, H w) -> (B, H, T, w)."""
        return mx.unflatten(x, -1, (self.n_head, -1)).swapaxes(1, 2)

    def latents(self, x: mx.array, offset: int) -> tuple[mx.array, mx.array]:
        """x (B, T, d) from position `offset` on -> c (B, T, n_latent) and r (B, T, n_rotary), which are cached."""
        c, r = mx.split(self.down(x), [self.widths[0]], axis=-1)
        return mx.fast.rms_norm(c, None, self.eps), turned(r, offset, self.base)

    def queries(self, x: mx.array, change: mx.array, offset: int) -> tuple[mx.array, mx.array]:
        """x (B, T, d), change = x_t - x_{t-1} -> queries (B, H, T, dh), and their rotary parts, turned."""
        q, rotary = mx.split(self.query(x), [x.shape[-1]], axis=-1)
        more = self.contrast(change)
        q = q + mx.pad(more, [(0, 0), (0, 0), (q.shape[-1] - more.shape[-1], 0)])
        return self.heads(q), turned(self.heads(rotary), offset, self.base)

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """x (B, T, d) -> the same shape. rotation: ignored; this mixer rotates by itself."""
        c, r = self.latents(x, 0)
        q, rotary = self.queries(x, x - before(x), 0)
        u, v = (self.heads(part) for part in mx.split(self.up(c), 2, axis=-1))
        r = mx.broadcast_to(r[:, None], (*rotary.shape[:3], r.shape[-1]))
        q, k = mx.concatenate([q, rotary], axis=-1), mx.concatenate([by_type(u, before(u)), r], axis=-1)
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=self.scale, mask="causal")
        return self.out(y.swapaxes(1, 2).flatten(-2))

    def attention(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """x (B, T, d) -> which earlier positions each head attends to, (B, H, T, T); rows sum to 1."""
        c, r = self.latents(x, 0)
        q, rotary = self.queries(x, x - before(x), 0)
        u = self.heads(mx.split(self.up(c), 2, axis=-1)[0])
        scores = (q @ by_type(u, before(u)).swapaxes(-1, -2) + rotary @ r[:, None].swapaxes(-1, -2)) * self.scale
        seen = mx.tri(*scores.shape[-2:], dtype=mx.float32) > 0
        return mx.softmax(mx.where(seen, scores, -mx.inf), axis=-1)

    def start(self, batch: int) -> tuple[mx.array, ...]:
        """The cache before the first token: latents, rotary keys, and x of the position before."""
        latent, rotary = (mx.zeros((batch, 0, width), self.down.weight.dtype) for width in self.widths)
        return latent, rotary, mx.zeros((batch, self.down.weight.shape[-1]), self.down.weight.dtype)

    def step(self, c: mx.array, r: mx.array, last: mx.array, x: mx.array, *rotation: mx.array) -> tuple[mx.array, ...]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d), in absorbed form."""
        offset, n = c.shape[1], x.shape[1]
        new_c, new_r = self.latents(x, offset)
        c, r = mx.concatenate([c, new_c], axis=1), mx.concatenate([r, new_r], axis=1)
        q, rotary = self.queries(x, x - mx.concatenate([last[:, None], x[:, :-1]], axis=1), offset)
        up, values = self.up.weight.reshape(2, self.n_head, -1, c.shape[-1])
        s = (q @ up) @ c[:, None].swapaxes(-1, -2)
        past = mx.concatenate([mx.zeros_like(s[..., :1]), s[..., :-1]], axis=-1)
        scores = (by_type(s, past) + rotary @ r[:, None].swapaxes(-1, -2)) * self.scale
        seen = mx.tri(*scores.shape[-2:], offset, dtype=mx.float32) > 0
        weights = mx.softmax(mx.where(seen, scores, -mx.inf), axis=-1)
        y = (weights @ c[:, None]) @ values.swapaxes(-1, -2)
        return c, r, x[:, n - 1], self.out(y.swapaxes(1, 2).flatten(-2))
