"""A5, the square of opposition: rotary positions by place and sentence. Defined by `lyceum.personas.aristotle.rope`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import rope as reference
from torch_ref.baseline.attention import turned
from torch_ref.registry import implements


@implements(reference.Opposition)
class Opposition(nn.Module):
    """ids -> what turns queries and keys: cos and sin for the mixers."""

    def __init__(self, ends, frequencies, corners):
        super().__init__()
        # Not persistent: tables belong to the plan, not to the parameters.
        self.register_buffer("ends", torch.from_numpy(ends), persistent=False)
        self.register_buffer("frequencies", torch.from_numpy(frequencies), persistent=False)
        self.register_buffer("corners", torch.from_numpy(corners), persistent=False)

    def places(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> (t, s), (B, T, 2) int32."""
        ended = self.ends[ids]
        t = torch.arange(ids.shape[1], dtype=torch.int32, device=ids.device).expand(ids.shape)
        return torch.stack([t, ended.cumsum(1, dtype=torch.int32) - ended], dim=-1)

    def rotation(self, x: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
        """(t, s), (B, T, 2) integers of any sign -> chi cos and chi sin of each head, (B, H, T, w), in x's dtype."""
        t, s = place[:, None, :, :1], place[:, None, :, 1:]
        # In bfloat16 an angle of 64 radians would be 0.1 off.
        frequencies = self.frequencies.to(torch.promote_types(x.dtype, torch.float32))
        angle = t * frequencies[0] + s * frequencies[1]
        a, b = self.corners[:, None, :1], self.corners[:, None, 1:]
        chi = 1 - 2 * ((t * a + s * b) & 1)
        cos, sin = chi * angle.cos(), chi * angle.sin()
        return torch.cat([cos, cos], dim=-1).to(x.dtype), torch.cat([-sin, sin], dim=-1).to(x.dtype)

    def turn(self, x: Tensor, place: Tensor) -> Tensor:
        """Queries or keys x (B, H, T, w) at (t, s), place (B, T, 2) -> the same shape."""
        return turned(x, *self.rotation(x, place))

    def forward(self, x: Tensor, ids: Tensor) -> tuple[Tensor, ...]:
        """x (B, T, d), ids (B, T) -> x as it is, and cos and sin for the mixers."""
        return x, *self.rotation(x, self.places(ids))

    def start(self, batch: int) -> tuple[Tensor]:
        """(t, s) of the first token, (B, 2)."""
        return (torch.zeros(batch, 2, dtype=torch.int32, device=self.ends.device),)

    def step(self, place: Tensor, x: Tensor, ids: Tensor) -> tuple[Tensor, ...]:
        """(t, s) of the first of n new tokens -> that after them, and x, cos and sin of theirs."""
        # One id more, whichever it is: its place is where the text goes on.
        new = place[:, None] + self.places(F.pad(ids, (0, 1)))
        return new[:, -1], x, *self.rotation(x, new[:, :-1])
