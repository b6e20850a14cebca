"""Rotary positions, for mixers that turn their keys themselves: at position t pair j of w/2 turns by t base^(-2j/w).

With base 100, a width of 8 has wavelengths from 6 to 200 tokens, for blocks of 64. Source: Su et al. 2021 (RoPE).
"""

from __future__ import annotations

import numpy as np


def turned(x: np.ndarray, offset: int, base: float) -> np.ndarray:
    """x (..., T, w), whose first position is `offset`, turned: the pairs are (x_j, x_{j + w/2})."""
    half = x.shape[-1] // 2
    angle = np.outer(offset + np.arange(x.shape[-2]), base ** (-np.arange(half) / half))
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], axis=-1)
