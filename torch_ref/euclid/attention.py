"""E3, the circle: attention by distance, on the fused kernel. Reference: `lyceum.personas.euclid.attention`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.euclid import attention as reference
from torch_ref.baseline.attention import Attention, seen
from torch_ref.registry import implements


@implements(reference.CircleAttention)
class CircleAttention(Attention):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, eps: float):
        super().__init__(n_embd, n_head, eps)
        self.log_beta = nn.Parameter(torch.zeros(n_head))

    def lifted(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries (B, H, n, w), keys (B, H, t, w) -> both of width w + 1; their product is the score."""
        origin = k[:, :, :1].detach()
        q, k = q - origin, k - origin
        q = 2 * self.log_beta.exp()[:, None, None] * F.pad(q, (0, 1), value=1.0)
        return q, torch.cat([k, -0.5 * k.square().sum(-1, keepdim=True)], dim=-1)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """Queries and keys, (B, H, T, w) each -> scores (B, H, T, T)."""
        q, k = self.lifted(q, k)
        return q @ k.mT

    def attended(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Queries, keys and values, (B, H, T, w) each -> y, the same shape."""
        q, k = self.lifted(q, k)
        # The fused kernel on CPU takes values as wide as keys.
        return F.scaled_dot_product_attention(q, k, F.pad(v, (0, 1)), is_causal=True, scale=1.0)[..., :-1]

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """rotation: empty, or (cos, sin[, frame]) as in `turned`."""
        return self.joined(self.attended(*self.parts(x, *rotation)))

    def step(self, k: Tensor, v: Tensor, x: Tensor, *rotation: Tensor) -> tuple[Tensor, ...]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d)."""
        q, *new = self.parts(x, *rotation)
        keys, values = (torch.cat(pair, dim=2) for pair in zip((k, v), new, strict=True))
        y = F.scaled_dot_product_attention(*self.lifted(q, keys), values, attn_mask=seen(q, keys), scale=1.0)
        return keys, values, self.joined(y)
