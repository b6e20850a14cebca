"""A3, the syllogism: attention and its conclusion. Defined by `personas.aristotle.attention`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_ref.baseline.attention import Attention, turned


class Syllogism(Attention):
    """x (B, T, n_embd) -> the same shape."""

    def __init__(self, n_embd: int, n_head: int):
        super().__init__(n_embd, n_head)
        self.gate = nn.Parameter(torch.zeros(n_head))

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """rotation: nothing, or cos and sin as in `turned`."""
        q, k, v = (self.heads(part) for part in self.qkv(x).chunk(3, dim=-1))
        if rotation:
            q, k = turned(q, *rotation), turned(k, *rotation)
        premise = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        middle = v.lerp(premise, self.gate.sigmoid()[:, None, None])
        y = F.scaled_dot_product_attention(q, k, middle, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(-2))
