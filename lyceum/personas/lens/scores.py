"""What is a head? Two scores, from where it looks.

    previous token   the mean over t >= 1 of A[t, t-1]
    induction        the mean over t with an earlier s, ids[s] = ids[t], of the sum over these s of A[t, s+1], s+1 < t

Both lie between 0 and 1. A head that attends to all positions alike has 1 / (t + 1) at each.
Source: Olsson et al. 2022.
"""

from __future__ import annotations

import numpy as np


def previous_token(attention: np.ndarray) -> np.ndarray:
    """attention (..., T, T) -> the share on the position before, (...); NaN for one position."""
    if attention.shape[-1] == 1:
        return np.full(attention.shape[:-2], np.nan)
    return np.diagonal(attention, -1, -2, -1).mean(-1)


def induction(attention: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """attention (B, ..., T, T), ids (B, T) -> the share on what followed the same token before, (...).

    NaN if no token comes again after two positions or more.
    """
    n = ids.shape[1]
    after = np.zeros((len(ids), n, n))
    after[:, :, 1:] = (ids[:, :, None] == ids[:, None, :])[:, :, :-1]
    after *= np.tri(n, n, -1)
    again = after.any(-1)
    if not again.any():
        return np.full(attention.shape[1:-2], np.nan)
    middle = (1,) * (attention.ndim - 3)
    shares = (attention * after.reshape(len(ids), *middle, n, n)).sum(-1)
    return (shares * again.reshape(len(ids), *middle, n)).sum((0, -1)) / again.sum()


def uniform(length: int) -> np.ndarray:
    """The attention of a head that looks everywhere alike, (T, T)."""
    return np.tri(length) / np.arange(1, length + 1)[:, None]
