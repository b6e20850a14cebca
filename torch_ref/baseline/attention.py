"""Causal softmax attention on the fused kernel. Reference: `lyceum.personas.baseline.attention`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.baseline import attention as reference
from torch_ref.registry import implements


def turned(x: Tensor, cos: Tensor, sin: Tensor, frame: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """x (B, H, T, w) turned by a rotary position module; sin has the sign of each half. A frame maps normalised x."""
    if frame is not None:
        x = F.rms_norm(x, x.shape[-1:], eps=eps) @ frame
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


def seen(q: Tensor, k: Tensor) -> Tensor:
    """Queries (B, H, n, w) of the last n of t tokens, keys of all -> which keys each query may see, (n, t) bool."""
    n, t = q.shape[2], k.shape[2]
    return torch.ones(n, t, dtype=torch.bool, device=q.device).tril(t - n)


@implements(reference.Attention)
class Attention(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, eps: float):
        super().__init__()
        self.n_head, self.eps = n_head, eps
        self.qkv = nn.Linear(n_embd, 3 * n_embd, bias=False)
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: Tensor) -> Tensor:
        """(B, T, d) -> (B, H, T, d/H)."""
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)

    def parts(self, x: Tensor, *rotation: Tensor) -> tuple[Tensor, ...]:
        """x (B, T, d) -> queries, keys and values, (B, H, T, d/H) each, turned if there is a rotation."""
        q, k, v = (self.heads(part) for part in self.qkv(x).chunk(3, dim=-1))
        if rotation:
            q, k = turned(q, *rotation, eps=self.eps), turned(k, *rotation, eps=self.eps)
        return q, k, v

    def joined(self, y: Tensor) -> Tensor:
        """Outputs of the heads, (B, H, T, d/H) -> (B, T, d)."""
        return self.out(y.transpose(1, 2).flatten(-2))

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """rotation: empty, or (cos, sin[, frame]) as in `turned`."""
        q, k, v = self.parts(x, *rotation)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.joined(y)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """Queries and keys, (B, H, T, d/H) each -> scores (B, H, T, T), which the fused kernel does not form."""
        return q @ k.mT * q.shape[-1] ** -0.5

    def attention(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """x (B, T, d) -> which earlier positions each head attends to, (B, H, T, T); rows sum to 1."""
        q, k, _ = self.parts(x, *rotation)
        return self.scores(q, k).masked_fill(~seen(q, k), -torch.inf).softmax(dim=-1)

    def start(self, batch: int) -> tuple[Tensor, Tensor]:
        """The cache before the first token: keys and values."""
        width = self.out.weight.shape[0]
        empty = self.out.weight.new_zeros(batch, self.n_head, 0, width // self.n_head)
        return empty, empty

    def step(self, k: Tensor, v: Tensor, x: Tensor, *rotation: Tensor) -> tuple[Tensor, ...]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d)."""
        q, *new = self.parts(x, *rotation)
        keys, values = (torch.cat(pair, dim=2) for pair in zip((k, v), new, strict=True))
        # Not is_causal: it aligns the first query with the first key.
        y = F.scaled_dot_product_attention(q, keys, values, attn_mask=seen(q, keys))
        return keys, values, self.joined(y)
