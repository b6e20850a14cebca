"""full_vloss: the mean loss over all of the validation split, and its standard error.

The split is cut into K consecutive blocks of T = 64 tokens. Block b has n_b targets (all T but in the last block) and a
summed loss L_b. The estimate is the ratio

    R = sum_b L_b / sum_b n_b        nats per token.

Standard error. Tokens of one block share their context, speaker and scene, so their losses are correlated and 36,058
of them are not 36,058 independent observations; the blocks are taken as the independent units (a cluster sample, with
the clusters of nearly equal size). A ratio of two random sums is linearised about its value,

    R - rho  ~  sum_b (L_b - rho n_b) / sum_b n_b,

a sum of K independent residuals e_b = L_b - R n_b, whose variance is estimated by K s^2 with
s^2 = sum_b e_b^2 / (K - 1) (their mean is exactly zero by the choice of R). Hence

    se(R)^2 = K / (K - 1) * sum_b e_b^2 / (sum_b n_b)^2.

With equal n_b this is the textbook s / sqrt(K) of the block means. It says how the figure would vary over other texts
like these; two models on the same blocks differ by much less than two such errors suggest, since they are paired. And
neighbouring blocks are not quite independent either, so it is a little too low.

Source: Cochran, Sampling Techniques (3rd ed., 1977), section 6.3 (ratio estimate) and 9A (clusters).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import nan, sqrt

import numpy as np


def ratio(losses: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """(R, se(R)) in nats per token from losses and weights, (K, T) each, one block a row.

    A weight is 1 where the token counts and 0 where the position only fills up a row; rows of zeros are no blocks.
    One block alone has no standard error: nan.
    """
    sizes = weights.sum(axis=1, dtype=np.float64)
    # A filling position may have any loss, nan included, which 0 * loss would not remove.
    sums = np.where(weights > 0, losses, 0).sum(axis=1, dtype=np.float64)
    sums, sizes = sums[sizes > 0], sizes[sizes > 0]
    mean = sums.sum() / sizes.sum()
    residuals = sums - mean * sizes
    blocks = len(sizes)
    error = sqrt(blocks / (blocks - 1) * np.sum(residuals**2)) / sizes.sum() if blocks > 1 else nan
    return float(mean), float(error)


def split_losses(trainer, batches: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, ...]:
    """(losses, weights) of every token, (K, T) float32 each, nats, one block a row, for `ratio`.

    batches: (ids, targets, weight) of `corpus.val_blocks`.
    """
    measured = [(trainer.losses(ids, targets), weight) for ids, targets, weight in batches]
    losses, weights = zip(*measured, strict=True)
    return np.concatenate(losses), np.concatenate(weights)


def paired(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """How much lower the loss of `one` is than that of `other`, and the error of that, in nats per token.

    one, other: the losses of two runs on the same blocks, (K, T), nan where a position only fills up a row. What makes
    a block hard makes it hard for both, so the difference is known far better than either.
    """
    difference = other - one
    return ratio(difference, np.isfinite(difference))
