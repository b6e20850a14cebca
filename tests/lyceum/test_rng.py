"""Random numbers: pinned values, addresses whose streams do not overlap, draws that are uniform."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyceum.rng import keep_mask, stream

ADDRESS = st.tuples(st.integers(-(2**63), 2**63), st.text(max_size=20), st.integers(0, 2**40))


def test_golden_values():
    """Were they to change, no run could be repeated and no checkpoint resumed."""
    assert stream(1337, "train-batch", 5).integers(0, 1000, 6).tolist() == [376, 534, 462, 290, 599, 490]
    assert stream(0, "initial/norm").normal(size=2).tolist() == [0.604767603706378, 0.04350163423391191]
    assert stream(-1, "dropout", 10_000).bytes(8).hex() == "c416d797185c58a6"


@given(ADDRESS)
def test_an_address_is_no_state(address):
    first = stream(*address).random(4)
    stream(*address).random(1000)
    assert np.array_equal(stream(*address).random(4), first)


@given(ADDRESS, ADDRESS)
def test_two_addresses_two_streams(one, other):
    assert (one == other) == np.array_equal(stream(*one).random(4), stream(*other).random(4))


def test_seed_and_purpose_do_not_run_together():
    assert stream(1, "1/x").random() != stream(11, "/x").random()
    assert stream(1, "x", 0).random() != stream(1, "x", 1).random()


def test_steps_do_not_overlap():
    """Philox counts blocks of four; the steps are 2^64 blocks apart, so a long draw of one never overlaps the next."""
    long, following = stream(0, "x", 0).random(100_000), stream(0, "x", 1).random(100_000)
    assert len(np.intersect1d(long, following)) == 0


def test_draws_are_uniform():
    """One draw from each of many addresses: neighbours in seed and step are as independent as those in a stream."""
    draws = np.array([[stream(seed, "u", step).random() for step in range(60)] for seed in range(60)])
    assert abs(draws.mean() - 0.5) < 5 / np.sqrt(12 * draws.size)
    for left, right in ((draws[1:], draws[:-1]), (draws[:, 1:], draws[:, :-1])):
        assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 5 / np.sqrt(left.size)


def test_a_negative_step():
    with pytest.raises(ValueError, match="step must be >= 0, got -1"):
        stream(0, "x", -1)


@pytest.mark.parametrize("rate", (0.0, 0.1, 0.5))
def test_masks_have_mean_one(rate):
    mask = keep_mask(stream(0, "mask"), (400, 500), rate)
    share = round(256 * rate) / 256
    assert mask.dtype == np.float32
    assert abs(mask.mean(dtype=np.float64) - 1) <= 5 * np.sqrt(share / (1 - share) / mask.size)


def test_a_mask_costs_one_byte_an_element():
    """So that both backends and a resumed run stay in step with what is drawn after it."""
    one, other = stream(0, "mask"), stream(0, "mask")
    keep_mask(one, (2, 8), 0.3)
    other.bytes(16)
    assert one.random() == other.random()
