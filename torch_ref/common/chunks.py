"""The sums within a chunk, for layers that scan a text in chunks."""

from __future__ import annotations

import torch
from torch import Tensor


def sums(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x (..., L) -> its sums over i < j <= t, (..., t, i), 0 for i >= t; over j <= t, (..., t); and [i <= t], (t, i).

    Each sum is added up separately. Differences of two cumulative sums would lose digits, and could change sign.
    """
    past = torch.ones(2 * x.shape[-1:], dtype=x.dtype, device=x.device).tril()
    between = past[:, None] * (1 - past)
    return (x @ between.flatten(0, 1).T).unflatten(-1, past.shape), x @ past.T, past
