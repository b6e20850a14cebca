"""A2, the four causes: a selective state space, scanned in chunks. Reference: `lyceum.personas.aristotle.ssm`."""

from __future__ import annotations

import itertools

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import ssm as reference
from mlx_impl.common.chunks import padded, sums
from mlx_impl.registry import implements

CHUNK = 8


def softplus(x: mx.array) -> mx.array:
    """log(1 + exp x)."""
    return mx.logaddexp(x, 0.0)


def before(states: mx.array) -> mx.array:
    """states (..., K, P) -> the state before each position, zero before the first."""
    return padded(states, -2, 1, 0)[..., :-1, :]


def scan(form: mx.array, dt: mx.array, moved: mx.array) -> mx.array:
    """h_k = exp(dt_k form) h_{k-1} + moved_k. form (H, N), dt (B, H, K), moved (B, H, N, K, P) -> as moved."""
    length = dt.shape[-1]
    if length == 1:
        return moved
    rest = -length % CHUNK
    dt = mx.unflatten(padded(dt, -1, 0, rest), -1, (-1, CHUNK))
    moved = mx.unflatten(padded(moved, 3, 0, rest), 3, (-1, CHUNK))
    between, since, past = sums(dt)
    h = (mx.exp(form[..., None, None, None] * between[:, :, None]) * past) @ moved
    if length > CHUNK:
        carried = before(scan(form, since[..., -1], h[..., -1, :]))
        h = h + mx.exp(form[..., None, None] * since[:, :, None])[..., None] * carried[..., None, :]
    return h.flatten(3, 4)[..., :length, :]


@implements(reference.SelectiveStateSpace)
class SelectiveStateSpace(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, n_state: int):
        super().__init__()
        self.n_head, self.n_state, self.widths = n_head, n_state, (n_embd, n_head, n_state, n_state)
        self.causes = nn.Linear(n_embd, sum(self.widths), bias=False)
        self.pace = mx.zeros((n_head,))
        self.form = mx.zeros((n_head * n_state,))
        self.skip = mx.ones((n_embd,))
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def split(self, x: mx.array) -> tuple[mx.array, ...]:
        """x (B, T, d) -> u (B, T, d), dt (B, H, T), dt u by heads (B, H, T, P), b and c (B, 1, N, T), form (H, N)."""
        u, dt, b, c = mx.split(self.causes(x), list(itertools.accumulate(self.widths[:-1])), axis=-1)
        dt = softplus(dt + self.pace).swapaxes(1, 2)
        v = dt[..., None] * mx.unflatten(u, -1, (self.n_head, -1)).swapaxes(1, 2)
        b, c = b.swapaxes(1, 2)[:, None], c.swapaxes(1, 2)[:, None]
        return u, dt, v, b, c, -softplus(self.form).reshape(self.n_head, -1)

    def joined(self, y: mx.array, u: mx.array) -> mx.array:
        """Outputs C . h of the heads (B, H, T, P), their matter u (B, T, d) -> (B, T, d)."""
        return self.out(y.swapaxes(1, 2).flatten(-2) + self.skip * u)

    def start(self, batch: int) -> tuple[mx.array]:
        """The state before the first token, (B, H, N, P) zeros."""
        shape = (batch, self.n_head, self.n_state, self.skip.size // self.n_head)
        return (mx.zeros(shape, self.skip.dtype),)

    def step(self, state: mx.array, x: mx.array, *rotation: mx.array) -> tuple[mx.array, mx.array]:
        """The state and n new tokens (B, n, d) -> the state after them, and y (B, n, d)."""
        u, dt, v, b, c, form = self.split(x)
        # Sums of positive numbers: no digits are lost.
        since = mx.cumsum(dt, axis=-1)
        decayed = mx.exp(form[..., None] * since[:, :, None])[..., None] * state[..., None, :]
        h = decayed + scan(form, dt, b[..., None] * v[:, :, None])
        return h[..., -1, :], self.joined((c[..., None] * h).sum(2), u)

    def states(self, x: mx.array) -> mx.array:
        """x (B, T, d) -> the state after every token, (B, T, H, N, P); the last one starts generation."""
        _, dt, v, b, _, form = self.split(x)
        return mx.moveaxis(scan(form, dt, b[..., None] * v[:, :, None]), 3, 1)

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """x (B, T, d) -> the same shape. rotation: ignored; a recurrence needs no positions."""
        length = x.shape[1]
        # The last chunk is padded.
        u, dt, v, b, c, form = self.split(padded(x, 1, 0, -length % CHUNK))
        dt, v = mx.unflatten(dt, -1, (-1, CHUNK)), mx.unflatten(v, 2, (-1, CHUNK))
        b, c = (mx.unflatten(part, -1, (-1, CHUNK)) for part in (b, c))
        between, since, past = sums(dt)
        # Cheaper: the heads share c . b, and the sum over states is not innermost.
        pairs = c[..., None] * past * b[..., None, :]
        y = (mx.exp(form[..., None, None, None] * between[:, :, None]) * pairs).sum(2) @ v
        if length > CHUNK:
            left = mx.exp(form[..., None, None] * between[:, :, None, :, -1]) * b
            ends = scan(form, since[..., -1], (left.swapaxes(2, 3) @ v).swapaxes(2, 3))
            decayed = mx.exp(form[..., None, None] * since[:, :, None]) * c
            y = y + mx.moveaxis(decayed, 2, -1) @ before(ends).swapaxes(2, 3)
        return self.joined(y.flatten(2, 3), u)[:, :length]
