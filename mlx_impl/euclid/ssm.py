"""E2, rigid motion, scanned in chunks. Reference: `lyceum.personas.euclid.ssm`."""

from __future__ import annotations

import itertools
import math

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import ssm as reference
from mlx_impl.common.chunks import padded, sums
from mlx_impl.registry import implements

CHUNK = 16  # tokens; it changes the speed, not the function


def log_sigmoid(x: mx.array) -> mx.array:
    """-log(1 + exp(-x))."""
    return -mx.logaddexp(-x, 0.0)


def remainder(turns: mx.array) -> mx.array:
    """Angles in turns -> the same less full turns, at most half a turn in size; exact."""
    return turns - mx.round(turns)


def frame(turns: mx.array) -> tuple[mx.array, mx.array]:
    """Angles in turns (..., N) -> (cos, cos) and (-sin, sin), (..., 2N) each, for `turned`."""
    angle = 2 * math.pi * remainder(turns)
    angle = mx.concatenate([-angle, angle], axis=-1)
    return mx.cos(angle), mx.sin(angle)


def turned(x: mx.array, cos: mx.array, sin: mx.array) -> mx.array:
    """Vectors in N planes, (..., 2N), first coordinates first, turned in each; turned back with -sin."""
    return cos * x + sin * mx.roll(x, x.shape[-1] // 2, -1)


def chunks(x: mx.array) -> mx.array:
    """x (B, H, T, ...) -> (B, H, K, L, ...): chunks of CHUNK tokens, or one shorter; the last is padded with zeros."""
    length = x.shape[2]
    width = min(CHUNK, length)
    return mx.unflatten(padded(x, 2, 0, -length % width), 2, (-1, width))


def scan(shrink: mx.array, turns: mx.array, moved: mx.array, state: mx.array) -> mx.array:
    """h_k = exp(shrink_k) Rot(turns_k) h_{k-1} + moved_k after h_{-1} = state (B, H, P, 2N), all h as moved.

    shrink (B, H, K), turns (B, H, K, N), moved (B, H, K, P, 2N).
    """
    length = shrink.shape[-1]
    shrink, turns, moved = chunks(shrink), chunks(turns), chunks(moved)
    between, since, past = sums(shrink)
    turns = past @ turns
    cos, sin = frame(turns[..., None, :])
    # The frame turns with the planes, so nothing turns in it.
    still = turned(moved, cos, -sin)
    still = mx.unflatten(mx.exp(between) * past @ still.flatten(-2), -1, still.shape[-2:])
    carried = state[:, :, None]
    if length > CHUNK:
        ends = turned(still[..., -1, :, :], cos[..., -1, :, :], sin[..., -1, :, :])
        carried = before(scan(since[..., -1], remainder(turns[..., -1, :]), ends, state), state)
    h = turned(still + mx.exp(since)[..., None, None] * carried[:, :, :, None], cos, sin)
    return h.flatten(2, 3)[:, :, :length]


def before(states: mx.array, first: mx.array) -> mx.array:
    """States (B, H, K, P, 2N) after each step, first (B, H, P, 2N) -> the states before each step."""
    return mx.concatenate([first[:, :, None], states[:, :, :-1]], axis=2)


@implements(reference.RigidMotion)
class RigidMotion(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, n_plane: int):
        super().__init__()
        self.n_head, self.n_plane = n_head, n_plane
        self.widths = (n_embd, n_head, n_head * n_plane, 2 * n_plane, 2 * n_plane)
        self.motion = nn.Linear(n_embd, sum(self.widths), bias=False)
        self.pace = mx.zeros((n_head,))
        self.turn = mx.zeros((n_head * n_plane,))
        self.skip = mx.ones((n_embd,))
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: mx.array) -> mx.array:
        """(B, T, H w) -> (B, H, T, w)."""
        return mx.unflatten(x, -1, (self.n_head, -1)).swapaxes(1, 2)

    def split(self, x: mx.array) -> tuple[mx.array, ...]:
        """x (B, T, d) -> u (B, T, d), log r (B, H, T), turns (B, H, T, N), input (B, H, T, P), b and c.

        b, c (B, 1, T, 2N) are shared by the heads.
        """
        u, z, turns, b, c = mx.split(self.motion(x), list(itertools.accumulate(self.widths[:-1])), axis=-1)
        z, turns = (z + self.pace).swapaxes(1, 2), self.heads(remainder(turns + self.turn))
        # sqrt(1 - r^2), with a gradient that is finite at r = 1.
        root = mx.exp(log_sigmoid(z) / 2)
        entering = (root * mx.sqrt(2 - root * root))[..., None] * self.heads(u)
        return u, log_sigmoid(-z), turns, entering, b[:, None], c[:, None]

    def start(self, batch: int) -> tuple[mx.array]:
        """The state before the first token, (B, H, P, 2N) zeros."""
        shape = (batch, self.n_head, self.skip.size // self.n_head, 2 * self.n_plane)
        return (mx.zeros(shape, self.skip.dtype),)

    def step(self, state: mx.array, x: mx.array, *rotation: mx.array) -> tuple[mx.array, mx.array]:
        """The state and n new tokens (B, n, d) -> the state after them, and y (B, n, d)."""
        u, *parts = self.split(x)
        # The padding of a chunk neither contracts nor turns nor adds an input.
        shrink, turns, v, b, c = map(chunks, parts)
        between, since, past = sums(shrink)
        turns, decay = past @ turns, mx.exp(between) * past
        cos, sin = frame(turns)
        b, c = turned(b, cos, -sin), turned(c, cos, -sin)
        ends = turned((decay[..., -1, :, None] * v).swapaxes(-1, -2) @ b, cos[..., -1:, :], sin[..., -1:, :])
        after = scan(since[..., -1], remainder(turns[..., -1, :]), ends, state)
        y = (c @ b.swapaxes(-1, -2) * decay) @ v
        y = y + (mx.exp(since)[..., None] * c) @ before(after, state).swapaxes(-1, -2)
        y = y.flatten(2, 3)[:, :, : x.shape[1]].swapaxes(1, 2).flatten(-2)
        return after[:, :, -1], self.out(y + self.skip * u)

    def __call__(self, x: mx.array, *rotation: mx.array) -> mx.array:
        """rotation: ignored, since the planes turn by themselves."""
        return self.step(*self.start(len(x)), x)[-1]
