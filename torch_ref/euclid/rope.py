"""E5, two mirrors: rotary positions in learned planes. Reference: `lyceum.personas.euclid.rope`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.euclid import rope as reference
from torch_ref.baseline.attention import turned
from torch_ref.registry import implements


@implements(reference.Mirrors)
class Mirrors(nn.Module):
    """x, ids -> x, and the rotation of queries and keys for the mixers: cos, sin and the frame."""

    def __init__(self, n_head: int, width: int, base: float, tiny: float):
        super().__init__()
        self.n_head, self.width, self.tiny = n_head, width, tiny
        self.n_mirror = 1 << (width - 1).bit_length()
        self.mirrors = nn.Parameter(torch.zeros(n_head * self.n_mirror * width))
        self.angles = nn.Parameter(torch.zeros(n_head * width // 2))
        self.gain = nn.Parameter(torch.zeros(n_head * width))

    def _frame(self, dtype: torch.dtype) -> Tensor:
        """diag(g) Q of each head, (H, w, w)."""
        v = self.mirrors.to(dtype).view(self.n_head, self.n_mirror, self.width)
        square = v.square().sum(-1, keepdim=True).clamp(min=self.tiny)
        q = torch.eye(self.width, dtype=dtype, device=v.device) - (2 / square * v)[..., None] * v[..., None, :]
        while q.shape[1] > 1:
            q = q[:, ::2] @ q[:, 1::2]
        return self.gain.to(dtype).view(self.n_head, self.width, 1) * q[:, 0]

    def rotation(self, x: Tensor, position: Tensor) -> tuple[Tensor, ...]:
        """position (B, T), integers of any sign -> cos and sin, (B, H, T, w), and the frame, of x's dtype."""
        # In bfloat16 an angle of 64 radians would be 0.1 off.
        dtype = torch.promote_types(x.dtype, torch.float32)
        angle = position[:, None, :, None] * self.angles.to(dtype).view(self.n_head, 1, -1)
        cos, sin = angle.cos(), angle.sin()
        turn = torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1), self._frame(dtype)
        return tuple(part.to(x.dtype) for part in turn)

    def turn(self, x: Tensor, position: Tensor) -> Tensor:
        """Queries or keys x (B, H, T, w), position (B, T) -> x turned, the same shape."""
        return turned(x, *self.rotation(x, position))

    def forward(self, x: Tensor, ids: Tensor) -> tuple[Tensor, ...]:
        """x (B, T, d), ids (B, T) -> x unchanged, and cos, sin and the frame for the mixers."""
        return x, *self.rotation(x, torch.arange(x.shape[1], device=x.device)[None])

    def start(self, batch: int) -> tuple[Tensor]:
        """The position of the first token, (B,)."""
        return (torch.zeros(batch, dtype=torch.int64, device=self.gain.device),)

    def step(self, position: Tensor, x: Tensor, ids: Tensor) -> tuple[Tensor, ...]:
        """The position of the first of n new tokens -> the position after them, x, and their cos, sin and frame."""
        new = position[:, None] + torch.arange(x.shape[1], device=x.device)
        return position + x.shape[1], x, *self.rotation(x, new)
