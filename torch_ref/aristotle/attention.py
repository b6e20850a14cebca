"""A3, the syllogism: attention and its conclusion. Defined by `personas.aristotle.attention`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_ref.baseline.attention import turned


class Syllogism(nn.Module):
    """x (B, T, n_embd) -> the same shape."""

    def __init__(self, n_embd: int, n_head: int):
        super().__init__()
        self.n_head = n_head
        self.qkv = nn.Linear(n_embd, 3 * n_embd, bias=False)
        self.gate = nn.Parameter(torch.zeros(n_head))
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: Tensor) -> Tensor:
        """(B, T, d) -> (B, H, T, d/H)."""
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """rotation: nothing, or cos and sin as in `turned`."""
        q, k, v = (self.heads(part) for part in self.qkv(x).chunk(3, dim=-1))
        if rotation:
            q, k = turned(q, *rotation), turned(k, *rotation)
        premise = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        middle = v.lerp(premise, self.gate.sigmoid()[:, None, None])
        y = F.scaled_dot_product_attention(q, k, middle, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(-2))
