"""A6, the organon: attention on latents with four types of heads. Reference: `lyceum.personas.aristotle.mla`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import mla as reference
from torch_ref.common.rotary import turned
from torch_ref.registry import implements

N_TYPES = len(reference.HEAD_TYPES)


def before(x: Tensor) -> Tensor:
    """x (..., T, w) -> x of the position before, zero before position 0."""
    return F.pad(x, (0, 0, 1, 0))[..., :-1, :]


def by_type(now: Tensor, past: Tensor) -> Tensor:
    """Keys or scores of a position and of the one before it, both (B, H, ...) -> those that each type of heads uses."""
    (demonstration, _, dialectic, analogy), (_, induction, was, _) = (x.chunk(N_TYPES, dim=1) for x in (now, past))
    return torch.cat([demonstration, induction, dialectic - was, analogy], dim=1)


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

    def heads(self, x: Tensor) -> Tensor:
        """(B, T, H w) -> (B, H, T, w)."""
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)

    def latents(self, x: Tensor, offset: int) -> tuple[Tensor, Tensor]:
        """x (B, T, d) from position `offset` on -> c (B, T, n_latent) and r (B, T, n_rotary), which are cached."""
        c, r = self.down(x).split(self.widths, dim=-1)
        return F.rms_norm(c, c.shape[-1:], eps=self.eps), turned(r, offset, self.base)

    def queries(self, x: Tensor, change: Tensor, offset: int) -> tuple[Tensor, Tensor]:
        """x (B, T, d), change = x_t - x_{t-1} -> queries (B, H, T, dh), and their rotary parts, turned."""
        q, rotary = self.query(x).tensor_split([x.shape[-1]], dim=-1)
        more = self.contrast(change)
        q = q + F.pad(more, (q.shape[-1] - more.shape[-1], 0))
        return self.heads(q), turned(self.heads(rotary), offset, self.base)

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """x (B, T, d) -> the same shape. rotation: ignored; this mixer rotates by itself."""
        c, r = self.latents(x, 0)
        q, rotary = self.queries(x, x - before(x), 0)
        u, v = (self.heads(part) for part in self.up(c).chunk(2, dim=-1))
        k = torch.cat([by_type(u, before(u)), r[:, None].expand(-1, self.n_head, -1, -1)], dim=-1)
        # The fused kernels need values as wide as keys (MPS before PyTorch 2.12 is wrong for others).
        padded = F.pad(v, (0, k.shape[-1] - v.shape[-1]))
        y = F.scaled_dot_product_attention(torch.cat([q, rotary], dim=-1), k, padded, is_causal=True)
        return self.out(y[..., : v.shape[-1]].transpose(1, 2).flatten(-2))

    def attention(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """x (B, T, d) -> which earlier positions each head attends to, (B, H, T, T); rows sum to 1."""
        c, r = self.latents(x, 0)
        q, rotary = self.queries(x, x - before(x), 0)
        u = self.heads(self.up(c).chunk(2, dim=-1)[0])
        scores = (q @ by_type(u, before(u)).mT + rotary @ r[:, None].mT) * self.scale
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=x.device).tril()
        return scores.masked_fill(~seen, -torch.inf).softmax(dim=-1)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The cache before the first token: latents, rotary keys, and x of the position before."""
        latent, rotary = (self.down.weight.new_zeros(batch, 0, width) for width in self.widths)
        return latent, rotary, self.down.weight.new_zeros(batch, self.down.in_features)

    def step(self, c: Tensor, r: Tensor, last: Tensor, x: Tensor, *rotation: Tensor) -> tuple[Tensor, ...]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d), in absorbed form."""
        offset, n = c.shape[1], x.shape[1]
        new_c, new_r = self.latents(x, offset)
        c, r = torch.cat([c, new_c], dim=1), torch.cat([r, new_r], dim=1)
        q, rotary = self.queries(x, x - torch.cat([last[:, None], x[:, :-1]], dim=1), offset)
        up, values = self.up.weight.view(2, self.n_head, -1, c.shape[-1])
        s = (q @ up) @ c[:, None].mT
        scores = (by_type(s, F.pad(s, (1, 0))[..., :-1]) + rotary @ r[:, None].mT) * self.scale
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=x.device).tril(offset)
        weights = scores.masked_fill(~seen, -torch.inf).softmax(dim=-1)
        y = (weights @ c[:, None]) @ values.mT
        return c, r, x[:, n - 1], self.out(y.transpose(1, 2).flatten(-2))
