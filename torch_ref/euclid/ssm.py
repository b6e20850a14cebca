"""E2, rigid motion, scanned in chunks. Reference: `lyceum.personas.euclid.ssm`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.euclid import ssm as reference
from torch_ref.common.chunks import sums
from torch_ref.registry import implements

CHUNK = 16  # tokens; it changes the speed, not the function


def remainder(turns: Tensor) -> Tensor:
    """Angles in turns -> the same less full turns, at most half a turn in size; exact."""
    return turns - turns.round()


def frame(turns: Tensor) -> tuple[Tensor, Tensor]:
    """Angles in turns (..., N) -> (cos, cos) and (-sin, sin), (..., 2N) each, for `turned`."""
    angle = 2 * math.pi * remainder(turns)
    angle = torch.cat([-angle, angle], dim=-1)
    return angle.cos(), angle.sin()


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Vectors in N planes, (..., 2N), first coordinates first, turned in each; turned back with -sin."""
    return cos * x + sin * x.roll(x.shape[-1] // 2, -1)


def chunks(x: Tensor) -> Tensor:
    """x (B, H, T, ...) -> (B, H, K, L, ...): chunks of CHUNK tokens, or one shorter; the last is padded with zeros."""
    length = x.shape[2]
    width = min(CHUNK, length)
    if rest := -length % width:
        x = F.pad(x, (0, 0) * (x.ndim - 3) + (0, rest))
    return x.unflatten(2, (-1, width))


def scan(shrink: Tensor, turns: Tensor, moved: Tensor, state: Tensor) -> Tensor:
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
    still = (between.exp() * past @ still.flatten(-2)).unflatten(-1, still.shape[-2:])
    carried = state[:, :, None]
    if length > CHUNK:
        ends = turned(still[..., -1, :, :], cos[..., -1, :, :], sin[..., -1, :, :])
        carried = before(scan(since[..., -1], remainder(turns[..., -1, :]), ends, state), state)
    h = turned(still + since.exp()[..., None, None] * carried[:, :, :, None], cos, sin)
    return h.flatten(2, 3)[:, :, :length]


def before(states: Tensor, first: Tensor) -> Tensor:
    """States (B, H, K, P, 2N) after each step, first (B, H, P, 2N) -> the states before each step."""
    return torch.cat([first[:, :, None], states[:, :, :-1]], dim=2)


@implements(reference.RigidMotion)
class RigidMotion(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, n_plane: int):
        super().__init__()
        self.n_head, self.n_plane = n_head, n_plane
        self.widths = (n_embd, n_head, n_head * n_plane, 2 * n_plane, 2 * n_plane)
        self.motion = nn.Linear(n_embd, sum(self.widths), bias=False)
        self.pace = nn.Parameter(torch.zeros(n_head))
        self.turn = nn.Parameter(torch.zeros(n_head * n_plane))
        self.skip = nn.Parameter(torch.ones(n_embd))
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: Tensor) -> Tensor:
        """(B, T, H w) -> (B, H, T, w)."""
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)

    def split(self, x: Tensor) -> tuple[Tensor, ...]:
        """x (B, T, d) -> u (B, T, d), log r (B, H, T), turns (B, H, T, N), input (B, H, T, P), b and c.

        b, c (B, 1, T, 2N) are shared by the heads.
        """
        u, z, turns, b, c = self.motion(x).split(self.widths, dim=-1)
        z, turns = (z + self.pace).mT, self.heads(remainder(turns + self.turn))
        # sqrt(1 - r^2), with a gradient that is finite at r = 1.
        root = (F.logsigmoid(z) / 2).exp()
        entering = (root * (2 - root * root).sqrt())[..., None] * self.heads(u)
        return u, F.logsigmoid(-z), turns, entering, b[:, None], c[:, None]

    def start(self, batch: int) -> tuple[Tensor]:
        """The state before the first token, (B, H, P, 2N) zeros."""
        return (self.skip.new_zeros(batch, self.n_head, len(self.skip) // self.n_head, 2 * self.n_plane),)

    def step(self, state: Tensor, x: Tensor, *rotation: Tensor) -> tuple[Tensor, Tensor]:
        """The state and n new tokens (B, n, d) -> the state after them, and y (B, n, d)."""
        u, *parts = self.split(x)
        # The padding of a chunk neither contracts nor turns nor adds an input.
        shrink, turns, v, b, c = map(chunks, parts)
        between, since, past = sums(shrink)
        turns, decay = past @ turns, between.exp() * past
        cos, sin = frame(turns)
        b, c = turned(b, cos, -sin), turned(c, cos, -sin)
        ends = turned((decay[..., -1, :, None] * v).mT @ b, cos[..., -1:, :], sin[..., -1:, :])
        after = scan(since[..., -1], remainder(turns[..., -1, :]), ends, state)
        y = (c @ b.mT * decay) @ v
        y = y + (since.exp()[..., None] * c) @ before(after, state).mT
        y = y.flatten(2, 3)[:, :, : x.shape[1]].transpose(1, 2).flatten(-2)
        return after[:, :, -1], self.out(y + self.skip * u)

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """rotation: ignored, since the planes turn by themselves."""
        return self.step(*self.start(len(x)), x)[-1]
