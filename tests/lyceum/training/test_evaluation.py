"""full_vloss is the mean over all tokens, and its standard error is what blocks of correlated tokens vary by."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest

from lyceum.rng import stream
from lyceum.training.evaluation import paired, ratio, split_losses


def test_equal_blocks_give_the_textbook_error_of_their_means():
    losses = stream(1, "test-ratio").normal(5, 1, (40, 8))
    mean, error = ratio(losses, np.ones((40, 8)))
    means = losses.mean(axis=1)
    assert mean == pytest.approx(means.mean(), rel=1e-13)
    assert error == pytest.approx(means.std(ddof=1) / sqrt(40), rel=1e-13)


def test_filling_counts_for_nothing_even_where_its_loss_is_not_a_number():
    losses = stream(2, "test-ratio").normal(5, 1, (7, 8))
    weights = np.ones((7, 8))
    weights[5, 3:] = weights[6] = 0
    expected = ratio(losses, weights)
    losses[5, 3:] = losses[6] = np.nan
    assert ratio(losses, weights) == expected
    assert ratio(losses[:6], weights[:6]) == expected
    assert expected[0] == pytest.approx(losses[weights > 0].mean(), rel=1e-13)


def test_the_error_is_the_deviation_that_correlated_tokens_really_show():
    """Var of the mean over 4,000 repetitions against the mean of se^2: each is known to a relative sqrt(2/4000) = 2.2%.

    Blocks have a common part, so treating tokens as independent would give an error about 2.6 times too low.
    """
    repetitions, blocks, tokens = 4000, 30, 16
    rng = stream(3, "test-ratio")
    weights = (np.arange(tokens) < rng.integers(8, tokens + 1, blocks)[:, None]).astype(float)
    common = rng.normal(0, 1, (repetitions, blocks, 1))
    losses = 5 + common + rng.normal(0, 1, (repetitions, blocks, tokens))
    estimates = np.array([ratio(sample, weights) for sample in losses])
    assert np.mean(estimates[:, 1] ** 2) / np.var(estimates[:, 0]) == pytest.approx(1, abs=4 * 0.022 + 1 / blocks)


def test_one_block_has_a_mean_and_no_error():
    mean, error = ratio(np.full((1, 4), 2.5), np.ones((1, 4)))
    assert mean == 2.5 and isnan(error)


def test_batches_are_pooled_in_order():
    class Losses:
        def losses(self, ids, targets):
            return ids.astype(np.float32)

    rows = np.arange(12, dtype=np.int32).reshape(6, 2)
    batches = [(rows[i : i + 2], None, np.ones((2, 2), np.float32)) for i in (0, 2, 4)]
    losses, weights = split_losses(Losses(), batches)
    assert np.array_equal(losses, rows) and np.array_equal(weights, np.ones((6, 2)))
    assert all(type(figure) is float for figure in ratio(losses, weights))


def test_what_two_runs_share_cancels_in_their_difference():
    rng = stream(4, "test-ratio")
    hard = rng.normal(5, 1, (40, 1)) + rng.normal(0, 1, (40, 8))
    hard[-1, 3:] = np.nan
    gain = rng.normal(0.1, 0.01, (40, 8))
    mean, error = paired(hard - gain, hard)
    assert mean == pytest.approx(0.1, abs=4 * error) and error < 0.001
    assert (-mean, error) == pytest.approx(paired(hard, hard - gain), rel=1e-9)
