"""E6, attention on latents that are orthogonal projections. Reference: `lyceum.personas.euclid.mla`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.euclid import mla as reference
from torch_ref.baseline.attention import seen
from torch_ref.common.rotary import turned
from torch_ref.euclid.mla.reflections import Mirrors
from torch_ref.registry import implements


@implements(reference.Projection)
class Projection(nn.Module):
    """x (B, T, n_embd) -> the same shape; `step` for generation."""

    def __init__(self, n_embd: int, n_head: int, n_latent: int, n_rotary: int, base: float):
        super().__init__()
        self.n_head, self.n_latent, self.base = n_head, n_latent, base
        self.scale = (n_embd // n_head + n_rotary) ** -0.5
        self.plane = Mirrors(n_embd, n_latent)
        self.rotary_key = nn.Linear(n_embd, n_rotary, bias=False)
        self.query = nn.Linear(n_embd, n_embd + n_head * n_rotary, bias=False)
        self.up = nn.Linear(n_latent, 2 * n_embd, bias=False)
        self.out = nn.Linear(n_embd, n_embd, bias=False)

    def heads(self, x: Tensor) -> Tensor:
        """(B, T, H w) -> (B, H, T, w)."""
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)

    def latents(self, x: Tensor, offset: int = 0) -> Tensor:
        """x (B, T, d) from position `offset` on -> the cached (B, T, n_latent + n_rotary): c, then r."""
        return torch.cat([self.plane(x), turned(self.rotary_key(x), offset, self.base)], dim=-1)

    def queries(self, x: Tensor, offset: int) -> tuple[Tensor, Tensor]:
        """x (B, T, d) -> queries (B, H, T, dh), and their rotary parts, turned."""
        q, rotary = self.query(x).tensor_split([x.shape[-1]], dim=-1)
        return self.heads(q), turned(self.heads(rotary), offset, self.base)

    def joined(self, y: Tensor) -> Tensor:
        """Outputs of the heads, (B, H, T, dh) -> (B, T, d)."""
        return self.out(y.transpose(1, 2).flatten(-2))

    def forward(self, x: Tensor, *rotation: Tensor) -> Tensor:
        """rotation: ignored, since it turns its keys itself."""
        c, r = self.latents(x).tensor_split([self.n_latent], dim=-1)
        k, v = (self.heads(part) for part in self.up(c).chunk(2, dim=-1))
        k = torch.cat([k, r[:, None].expand(-1, self.n_head, -1, -1)], dim=-1)
        # The fused kernels take values as wide as keys; MPS before PyTorch 2.12 is wrong for others.
        padded = F.pad(v, (0, k.shape[-1] - v.shape[-1]))
        y = F.scaled_dot_product_attention(torch.cat(self.queries(x, 0), dim=-1), k, padded, is_causal=True)
        return self.joined(y[..., : v.shape[-1]])

    def start(self, batch: int) -> tuple[Tensor]:
        """The cache before the first token: latents and rotary keys."""
        return (self.out.weight.new_zeros(batch, 0, self.n_latent + self.rotary_key.out_features),)

    def step(self, cached: Tensor, x: Tensor, *rotation: Tensor) -> tuple[Tensor, Tensor]:
        """The cache and n new tokens (B, n, d) -> the next cache, and y (B, n, d), in absorbed form."""
        q, rotary = self.queries(x, cached.shape[1])
        cached = torch.cat([cached, self.latents(x, cached.shape[1])], dim=1)
        up, values = self.up.weight.view(2, self.n_head, -1, self.n_latent)
        q, both = torch.cat([q @ up, rotary], dim=-1), cached[:, None].expand(-1, self.n_head, -1, -1)
        y = F.scaled_dot_product_attention(q, both, both, attn_mask=seen(q, both), scale=self.scale)
        return cached, self.joined(y[..., : self.n_latent] @ values.mT)
