"""Rotary positions, for mixers that turn their keys themselves. Reference: `lyceum.personas.model.rotary`."""

from __future__ import annotations

import mlx.core as mx


def turned(x: mx.array, offset: int, base: float) -> mx.array:
    """x (..., T, w), whose first position is `offset`, turned by position."""
    return mx.fast.rope(x, x.shape[-1], traditional=False, base=base, scale=1.0, offset=offset)
