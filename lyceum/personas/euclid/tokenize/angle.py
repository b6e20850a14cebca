"""The spherical score of a law at what came: the cosine of the angle between the two (for E22)."""

from __future__ import annotations

import numpy as np


def cosine(log_p: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """log p (..., n), outcome i (...) -> p_i / |p|, (...): the cosine of the angle from p to the axis of i."""
    p = np.exp(log_p)
    return np.take_along_axis(p, outcome[..., None], axis=-1)[..., 0] / np.linalg.norm(p, axis=-1)
