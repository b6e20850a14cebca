"""Euclid's line of tokens: remainders, seriation, and the tables of the contract's vocabulary."""

from __future__ import annotations

from itertools import combinations
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyceum import corpus
from lyceum.personas.euclid.tokenize import COLUMNS, MODULI, Division, tables
from lyceum.personas.euclid.tokenize.remainders import measure, number, primes
from lyceum.personas.euclid.tokenize.seriation import cut, exchanged
from lyceum.personas.tokens.unigram import base_rates

V = 50_257


@pytest.fixture(scope="module")
def text() -> corpus.Corpus:
    return corpus.load()


@pytest.fixture(scope="module")
def line(text) -> Division:
    return Division(4, **tables(text.train, corpus.vocabulary()))


@given(a=st.integers(1, 10**9), b=st.integers(1, 10**9))
def test_the_common_measure_is_a_sum_of_both(a, b):
    g, s, t = measure(a, b)
    assert g == gcd(a, b) == s * a + t * b


@given(p=st.integers(2, 10**4), m=st.integers(2, 10**4), share=st.floats(0, 1, exclude_max=True))
def test_two_remainders_give_the_number(p, m, share):
    n = int(share * p * m)
    if gcd(p, m) == 1:
        assert number(np.array(n % p), np.array(n % m), p, m) == n
    else:
        with pytest.raises(ValueError, match=f"multiples of {gcd(p, m)}"):
            number(np.array(n % p), np.array(n % m), p, m)


def test_the_moduli():
    assert MODULI == (223, 227, 229, 233, 239, 241, 251, 257) and MODULI[:2] == primes(2, least=222)
    assert all(a * b > V for a, b in combinations(MODULI, 2))


@pytest.mark.parametrize("pair", [*combinations(range(8), 2)])
def test_any_two_remainders_of_every_id_give_its_rank(line, pair):
    left = line.remainders({}, np.arange(V))
    a, b = pair
    assert np.array_equal(number(left[:, 2 + a], left[:, 2 + b], MODULI[a], MODULI[b]), line.rank)


def test_two_tokens_agree_in_one_remainder_at_most(line):
    left = line.remainders({}, np.random.default_rng(0).permutation(V)[:2000])[:, 2:]
    agree = (left[:, None] == left[None]).sum(-1)
    assert agree[~np.eye(len(left), dtype=bool)].max() == 1


def test_every_token_has_one_row_and_column(line):
    q, r = np.moveaxis(line.remainders({}, np.arange(V))[:, :2], -1, 0)
    assert np.array_equal(COLUMNS * q + r, line.rank) and np.array_equal(np.sort(line.rank), np.arange(V))
    filled = np.isfinite(line.base_column)
    assert filled.shape == (224, 225) and filled[:-1].all() and filled[-1].sum() == V % COLUMNS == 82
    assert filled[-1, :82].all() and np.isfinite(line.base_row).all()


def test_the_head_starts_as_the_base_rates(line, text):
    p = line.initial(np.random.default_rng(0), 4)
    start = line.log_probs(p, np.random.default_rng(1).normal(size=(1, 4)))[0]
    np.testing.assert_allclose(start, np.log(base_rates(text.train, list(corpus.vocabulary()))), atol=1e-5)


def test_rows_begin_with_common_tokens(line):
    assert (np.diff(line.base_column[:, :82], axis=1) <= 1e-6).all()


def test_rows_predict_their_neighbours(line):
    """Words of like use are in one row, by the training split alone."""
    of = {token: int(rank) // COLUMNS for token, rank in zip(corpus.vocabulary(), line.rank, strict=True)}
    assert of[b" of"] != of[b" king"] != of[b" thee"]
    assert of[b" he"] == of[b" she"]


def test_the_tables_are_the_same_every_time(line, text):
    again = tables(text.train, corpus.vocabulary())
    assert all(np.array_equal(getattr(line, name), table) for name, table in again.items())


@given(seed=st.integers(0, 2**31), n=st.integers(1, 100), width=st.integers(1, 12))
def test_cuts_are_rows_that_hold_every_token_once(seed, n, width):
    g = np.random.default_rng(seed)
    rows = cut(np.arange(n), g.normal(size=(n, 3)), g.integers(0, 3, n), width)
    assert sorted(np.concatenate(rows)) == list(range(n))
    assert [len(row) for row in rows] == [min(width, n - i) for i in range(0, n, width)]


@given(seed=st.integers(0, 2**31), n=st.integers(1, 60), width=st.integers(1, 9))
def test_exchanges_keep_to_the_space(seed, n, width):
    g = np.random.default_rng(seed)
    space = np.full(-(-n // width), width)
    row = exchanged(np.arange(n) // width, g.integers(0, 4, (n, 6)) + np.eye(6, dtype=int)[0], space)
    assert (np.bincount(row, minlength=len(space)) <= space).all()


def test_exchanges_bring_together_tokens_of_like_use():
    table = np.array([[90, 0, 5], [0, 90, 5]])[np.arange(20) % 2] * 20
    row = exchanged(np.arange(20) // 5, table, np.array([10, 10, 10, 10]))
    assert len(set(row[::2]) & set(row[1::2])) == 0
