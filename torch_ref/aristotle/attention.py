"""A3, the syllogism: attention applied once and twice. Reference: `lyceum.personas.aristotle.attention`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import attention as reference
from torch_ref.baseline.attention import Attention, seen
from torch_ref.registry import implements


@implements(reference.Syllogism)
class Syllogism(Attention):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, eps: float, initial_gate: float):
        super().__init__(n_embd, n_head, eps)
        self.gate = nn.Parameter(torch.full((n_head,), initial_gate))

    def middle(self, v: Tensor, premise: Tensor) -> Tensor:
        """Values v and premise P v -> middle terms v + g (P v - v), (B, H, T, d/H) each."""
        return v.lerp(premise, self.gate.sigmoid()[:, None, None])

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """rotation: empty, or (cos, sin[, frame]) as in `turned`."""
        q, k, v = self.parts(x, *rotation)
        premise = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        middle = self.middle(v, premise)
        y = F.scaled_dot_product_attention(q, k, middle, is_causal=True)
        return self.joined(y)

    def attention(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """x (B, T, d) -> (1 - g) P + g P P, (B, H, T, T)."""
        weights = super().attention(x, *rotation)
        return self.middle(weights, weights @ weights)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The cache before the first token: keys, values and middle terms."""
        keys, values = super().start(batch)
        return keys, values, values

    def step(self, k: Tensor, v: Tensor, middle: Tensor, x: Tensor, *rotation: Tensor) -> tuple[Tensor, ...]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d)."""
        q, new_k, new_v = self.parts(x, *rotation)
        keys, values = torch.cat([k, new_k], dim=2), torch.cat([v, new_v], dim=2)
        mask = seen(q, keys)
        premise = F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
        middles = torch.cat([middle, self.middle(new_v, premise)], dim=2)
        y = F.scaled_dot_product_attention(q, keys, middles, attn_mask=mask)
        return keys, values, middles, self.joined(y)
