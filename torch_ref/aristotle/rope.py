"""A5, the square of opposition: rotary positions by token and sentence. Reference: `lyceum.personas.aristotle.rope`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import rope as reference
from torch_ref.baseline.attention import turned
from torch_ref.registry import implements


@implements(reference.Opposition)
class Opposition(nn.Module):
    """ids -> the rotation of queries and keys, cos and sin."""

    def __init__(self, ends, frequencies, corners):
        super().__init__()
        # Not persistent: tables belong to the plan, not to the parameters.
        self.register_buffer("ends", torch.from_numpy(ends), persistent=False)
        self.register_buffer("frequencies", torch.from_numpy(frequencies), persistent=False)
        self.register_buffer("corners", torch.from_numpy(corners), persistent=False)

    def positions(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> (t, s), (B, T, 2) int32."""
        ended = self.ends[ids]
        t = torch.arange(ids.shape[1], dtype=torch.int32, device=ids.device).expand(ids.shape)
        return torch.stack([t, ended.cumsum(1, dtype=torch.int32) - ended], dim=-1)

    def rotation(self, x: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """positions (t, s), (B, T, 2) integers of any sign -> chi cos, chi sin, (B, H, T, w) each, in x's dtype."""
        t, s = position[:, None, :, :1], position[:, None, :, 1:]
        # In bfloat16 an angle of 64 radians would be 0.1 off.
        frequencies = self.frequencies.to(torch.promote_types(x.dtype, torch.float32))
        angle = t * frequencies[0] + s * frequencies[1]
        a, b = self.corners[:, None, :1], self.corners[:, None, 1:]
        chi = 1 - 2 * ((t * a + s * b) & 1)
        cos, sin = chi * angle.cos(), chi * angle.sin()
        return torch.cat([cos, cos], dim=-1).to(x.dtype), torch.cat([-sin, sin], dim=-1).to(x.dtype)

    def turn(self, x: Tensor, position: Tensor) -> Tensor:
        """Queries or keys x (B, H, T, w), positions (t, s), (B, T, 2) -> the same shape."""
        return turned(x, *self.rotation(x, position))

    def forward(self, x: Tensor, ids: Tensor) -> tuple[Tensor, ...]:
        """x (B, T, d), ids (B, T) -> x unchanged, cos and sin."""
        return x, *self.rotation(x, self.positions(ids))

    def start(self, batch: int) -> tuple[Tensor]:
        """(t, s) of the first token, (B, 2)."""
        return (torch.zeros(batch, 2, dtype=torch.int32, device=self.ends.device),)

    def step(self, position: Tensor, x: Tensor, ids: Tensor) -> tuple[Tensor, ...]:
        """(t, s) of the first of n new tokens, x and ids (B, n) -> (t, s) of the next token, and x, cos and sin."""
        # With one id more, whichever it is, the last position is that of the next token.
        new = position[:, None] + self.positions(F.pad(ids, (0, 1)))
        return new[:, -1], x, *self.rotation(x, new[:, :-1])
