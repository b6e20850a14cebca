"""Rotary positions, for mixers that turn their keys themselves. Reference: `lyceum.personas.model.rotary`."""

from __future__ import annotations

import torch
from torch import Tensor


def turned(x: Tensor, offset: int, base: float) -> Tensor:
    """x (..., T, w), whose first position is `offset`, turned by position."""
    half = x.shape[-1] // 2
    # Angles of many radians need more digits than the low precisions have.
    wide = torch.promote_types(x.dtype, torch.float32)
    frequency = base ** (-torch.arange(half, dtype=wide, device=x.device) / half)
    angle = torch.arange(offset, offset + x.shape[-2], dtype=wide, device=x.device)[:, None] * frequency
    cos, sin, (a, b) = angle.cos().to(x.dtype), angle.sin().to(x.dtype), x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
