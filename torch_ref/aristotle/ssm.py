"""A2, the four causes: a selective state space, scanned in chunks. Reference: `lyceum.personas.aristotle.ssm`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import ssm as reference
from torch_ref.common.chunks import sums
from torch_ref.registry import implements

CHUNK = 8


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp x). F.softplus would cut it off at 20."""
    return -F.logsigmoid(-x)


def before(states: Tensor) -> Tensor:
    """states (..., K, P) -> the state before each position, zero before the first."""
    return F.pad(states, (0, 0, 1, 0))[..., :-1, :]


def scan(form: Tensor, dt: Tensor, moved: Tensor) -> Tensor:
    """h_k = exp(dt_k form) h_{k-1} + moved_k. form (H, N), dt (B, H, K), moved (B, H, N, K, P) -> as moved."""
    length = dt.shape[-1]
    if length == 1:
        return moved
    rest = -length % CHUNK
    dt = F.pad(dt, (0, rest)).unflatten(-1, (-1, CHUNK))
    moved = F.pad(moved, (0, 0, 0, rest)).unflatten(3, (-1, CHUNK))
    between, since, past = sums(dt)
    h = (torch.exp(form[..., None, None, None] * between[:, :, None]) * past) @ moved
    if length > CHUNK:
        carried = before(scan(form, since[..., -1], h[..., -1, :]))
        h = h + torch.exp(form[..., None, None] * since[:, :, None])[..., None] * carried[..., None, :]
    return h.flatten(3, 4)[..., :length, :]


@implements(reference.SelectiveStateSpace)
class SelectiveStateSpace(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, n_state: int):
        super().__init__()
        self.n_head, self.n_state, self.widths = n_head, n_state, (n_embd, n_head, n_state, n_state)
        self.causes = nn.Linear(n_embd, sum(self.widths), bias=False)
        self.pace = nn.Parameter(torch.zeros(n_head))
        self.form = nn.Parameter(torch.zeros(n_head * n_state))
        self.skip = nn.Parameter(torch.ones(n_embd))
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def split(self, x: Tensor) -> tuple[Tensor, ...]:
        """x (B, T, d) -> u (B, T, d), dt (B, H, T), dt u by heads (B, H, T, P), b and c (B, 1, N, T), form (H, N)."""
        u, dt, b, c = self.causes(x).split(self.widths, dim=-1)
        dt = softplus(dt + self.pace).mT
        v = dt[..., None] * u.unflatten(-1, (self.n_head, -1)).transpose(1, 2)
        return u, dt, v, b.mT[:, None], c.mT[:, None], -softplus(self.form).view(self.n_head, -1)

    def joined(self, y: Tensor, u: Tensor) -> Tensor:
        """Outputs C . h of the heads (B, H, T, P), their matter u (B, T, d) -> (B, T, d)."""
        return self.out(y.transpose(1, 2).flatten(-2) + self.skip * u)

    def start(self, batch: int) -> tuple[Tensor]:
        """The state before the first token, (B, H, N, P) zeros."""
        return (self.skip.new_zeros(batch, self.n_head, self.n_state, len(self.skip) // self.n_head),)

    def step(self, state: Tensor, x: Tensor, *rotation: Tensor) -> tuple[Tensor, Tensor]:
        """The state and n new tokens (B, n, d) -> the state after them, and y (B, n, d)."""
        u, dt, v, b, c, form = self.split(x)
        # Sums of positive numbers: no digits are lost.
        since = dt.cumsum(-1)
        decayed = torch.exp(form[..., None] * since[:, :, None])[..., None] * state[..., None, :]
        h = decayed + scan(form, dt, b[..., None] * v[:, :, None])
        return h[..., -1, :], self.joined((c[..., None] * h).sum(2), u)

    def states(self, x: Tensor) -> Tensor:
        """x (B, T, d) -> the state after every token, (B, T, H, N, P); the last one starts generation."""
        _, dt, v, b, _, form = self.split(x)
        return scan(form, dt, b[..., None] * v[:, :, None]).movedim(3, 1)

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """x (B, T, d) -> the same shape. rotation: ignored; a recurrence needs no positions."""
        length = x.shape[1]
        # The last chunk is padded.
        u, dt, v, b, c, form = self.split(F.pad(x, (0, 0, 0, -length % CHUNK)))
        dt, v = dt.unflatten(-1, (-1, CHUNK)), v.unflatten(2, (-1, CHUNK))
        b, c = (part.unflatten(-1, (-1, CHUNK)) for part in (b, c))
        between, since, past = sums(dt)
        # Cheaper: the heads share c . b, and the sum over states is not innermost.
        pairs = c[..., None] * past * b[..., None, :]
        y = (torch.exp(form[..., None, None, None] * between[:, :, None]) * pairs).sum(2) @ v
        if length > CHUNK:
            left = torch.exp(form[..., None, None] * between[:, :, None, :, -1]) * b
            ends = scan(form, since[..., -1], (left.transpose(2, 3) @ v).transpose(2, 3))
            decayed = torch.exp(form[..., None, None] * since[:, :, None]) * c
            y = y + decayed.movedim(2, -1) @ before(ends).transpose(2, 3)
        return self.joined(y.flatten(2, 3), u)[:, :length]
