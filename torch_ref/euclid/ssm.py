"""E2, rigid motion, scanned in chunks. Defined by `personas.euclid.ssm`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_ref.chunks import sums

CHUNK = 16


def remainder(turns: Tensor) -> Tensor:
    """Angles in whole turns, less the whole turns: at most half a turn to either side. It rounds nothing."""
    return turns - turns.round()


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Vectors in N planes, (..., 2N), first coordinates first, turned by (..., N) whole turns."""
    angle, (first, second) = 2 * math.pi * turns, x.chunk(2, dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([cos * first - sin * second, sin * first + cos * second], dim=-1)


def chunks(x: Tensor) -> Tensor:
    """x (B, H, T, ...) -> (B, H, K, L, ...): chunks of CHUNK places, or one shorter; zeros fill up the last."""
    length = x.shape[2]
    width = min(CHUNK, length)
    return F.pad(x, (0, 0) * (x.ndim - 3) + (0, -length % width)).unflatten(2, (-1, width))


def scan(shrink: Tensor, turns: Tensor, moved: Tensor, state: Tensor) -> Tensor:
    """h_k = exp(shrink_k) Rot(turns_k) h_{k-1} + moved_k after h_{-1} = state (B, H, P, 2N), all h as moved.

    shrink (B, H, K), turns (B, H, K, N), moved (B, H, K, P, 2N).
    """
    length = shrink.shape[-1]
    if length == 1:
        return moved + shrink.exp()[..., None, None] * turned(state[:, :, None], turns[..., None, :])
    shrink, turns, moved = chunks(shrink), chunks(turns), chunks(moved)
    between, since, past = sums(shrink)
    angle = remainder(past @ turns)[..., None, :]
    # In the frame that turns with the planes nothing turns.
    frame = turned(moved, -angle)
    frame = (between.exp() * past @ frame.flatten(-2)).unflatten(-1, frame.shape[-2:])
    ends = turned(frame[..., -1, :, :], angle[..., -1, :, :])
    carried = before(since[..., -1], angle[..., -1, 0, :], ends, state)
    h = turned(frame + since.exp()[..., None, None] * carried[:, :, :, None], angle)
    return h.flatten(2, 3)[:, :, :length]


def before(shrink: Tensor, turns: Tensor, ends: Tensor, state: Tensor) -> Tensor:
    """The state before each of K chunks, as ends (B, H, K, P, 2N), which is what each chunk adds to its own end."""
    if ends.shape[2] == 1:
        return state[:, :, None]
    return torch.cat([state[:, :, None], scan(shrink[..., :-1], turns[:, :, :-1], ends[:, :, :-1], state)], dim=2)


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
        """x (B, T, d) -> u (B, T, d), log r (B, H, T), turns (B, H, T, N), what is let in (B, H, T, P), b and c.

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
        # Places that fill up a chunk neither contract nor turn nor let in.
        shrink, turns, v, b, c = map(chunks, parts)
        between, since, past = sums(shrink)
        angle = remainder(past @ turns)
        b, c = turned(torch.stack([b, c]), -angle).unbind()
        kept, ended = between.exp() * past, angle[..., -1:, :]
        ends = turned((kept[..., -1, :, None] * v).mT @ b, ended)
        carried = before(since[..., -1], ended[..., 0, :], ends, state)
        y = (c @ b.mT * kept) @ v + (since.exp()[..., None] * c) @ carried.mT
        state = ends[:, :, -1] + since[:, :, -1, -1:, None].exp() * turned(carried[:, :, -1], ended[:, :, -1])
        y = y.flatten(2, 3)[:, :, : x.shape[1]].transpose(1, 2).flatten(-2)
        return state, self.out(y + self.skip * u)

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """rotation: the planes turn by themselves, and leave it."""
        return self.step(*self.start(len(x)), x)[-1]
