"""The tables of the category tree: surface classes, base rates, and the halving of the vocabulary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyceum import corpus
from lyceum.personas.aristotle.tokenize import CategoryTree, arrange, tables
from lyceum.personas.aristotle.tokenize.halving import divide
from lyceum.personas.tokens.surface import category, marks
from lyceum.personas.tokens.unigram import base_rates

V = 50_257
WORDS = tuple(f" {a}{b}".encode() for a in "abcdefgh" for b in "aeiou")
VOCABULARY = (*WORDS, b"1", b"22", b"\n", b"!", b" ;", b"\xe2\x80")


@pytest.fixture(scope="session")
def text() -> corpus.Corpus:
    return corpus.load()


@pytest.fixture(scope="session")
def real(text) -> dict[str, np.ndarray]:
    """The tables of the contract's tree; about four seconds."""
    return tables(text.train, corpus.vocabulary())


def ids_of(seed: int, length: int, types: int = len(VOCABULARY)) -> np.ndarray:
    """Ids of a short text in which the first `types` tokens occur, with falling frequency."""
    likely = 1 / np.arange(1, types + 1)
    return np.random.default_rng(seed).choice(types, size=length, p=likely / likely.sum()).astype(np.uint16)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (b" the", ("word", True, "lower", 3)),
        (b"The", ("word", False, "title", 3)),
        (b"KING", ("word", False, "upper", 4)),
        (b" I", ("word", True, "title", 1)),
        (b"eBook", ("word", False, "camel", 5)),
        (b" antidisestablishment", ("word", True, "lower", 9)),
        (b"42", ("digits", False)),
        (b"\n\n", ("space",)),
        (b" ", ("space",)),
        (b"'ll", ("mixed", False)),
        (b" --", ("mark", True, 2)),
        (b"......", ("mark", False, 3)),
        (b"\xe2\x80", ("foreign",)),
    ],
)
def test_surface_classes(token, expected):
    assert category(token) == expected


@given(st.binary(min_size=1, max_size=8))
def test_every_token_has_a_class_and_marks(token):
    features = list(marks(token))
    assert features[0] == ("category", *category(token))
    assert len(set(features)) == len(features) >= 3


def test_variants_of_a_word_share_its_form():
    forms = [{mark for mark in marks(token) if mark[0] == "form"} for token in (b" the", b"The", b"THE", b"the")]
    assert len(set(map(frozenset, forms))) == 1


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31), length=st.integers(65, 2000), types=st.integers(2, len(VOCABULARY)))
def test_base_rates_are_a_distribution_over_all_ids(seed, length, types):
    rates = base_rates(ids_of(seed, length, types), list(VOCABULARY))
    assert rates.shape == (len(VOCABULARY),)
    assert (rates > 0).all()
    assert rates.sum() == pytest.approx(1, abs=1e-12)


def test_frequent_tokens_are_more_likely():
    ids = ids_of(0, 3000, 30)
    rates, counts = base_rates(ids, list(VOCABULARY)), np.bincount(ids, minlength=len(VOCABULARY))
    order = np.argsort(counts, kind="stable")
    assert (np.diff(rates[order])[np.diff(counts[order]) > 0] > 0).all()
    # Discounting only takes: a token of the text has at most its share, and the rest goes to the other tokens.
    seen = counts > 0
    assert (rates[seen] <= counts[seen] / len(ids)).all() and rates[~seen].sum() > 0


def test_unseen_tokens_share_by_surface_class():
    """Words occur once here and there, marks never: an unseen word gets more than an unseen mark."""
    vocabulary = [b" x", *(f" w{chr(97 + i)}{chr(97 + j)}".encode() for i in range(20) for j in range(10)), b"!", b"?"]
    ids = np.zeros(2400, np.uint16)
    ids[::24] = np.arange(1, 101)
    rates = base_rates(ids, vocabulary)
    assert rates[150] > 3 * rates[-1] > 0


def test_the_real_rates(text):
    rates = base_rates(text.train, list(corpus.vocabulary()))
    counts = np.bincount(text.train, minlength=V)
    assert rates.shape == (V,) and (rates > 0).all() and rates.sum() == pytest.approx(1, abs=1e-9)
    # The mass of unseen tokens, estimated from training text, is near that of validation text: 2.1%.
    assert 0.01 < rates[counts == 0].sum() < 0.04
    # As a unigram it has a loss of 6.5 nats; without smoothing it would be infinite, and uniform 10.8.
    assert -np.log(rates[text.val]).mean() == pytest.approx(6.5, abs=0.15)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31), n=st.integers(16, 200), depth=st.integers(0, 4))
def test_division_is_a_partition_into_equal_parts(seed, n, depth):
    g = np.random.default_rng(seed)
    groups = divide(g.normal(size=(n, 5)), g.random(n) + 0.1, depth)
    assert len(groups) == 2**depth
    assert sorted(np.concatenate(groups)) == list(range(n))
    assert max(map(len, groups)) - min(map(len, groups)) <= 1
    assert all((np.diff(group) > 0).all() for group in groups)


def test_division_follows_the_principal_axis():
    """Two clouds far apart along one axis come apart at the first cut."""
    g = np.random.default_rng(0)
    side = g.permutation(40) < 20
    clouds = g.normal(size=(40, 3)) + np.where(side, 10, -10)[:, None] * np.array([0.6, 0.8, 0])
    low, high = divide(clouds, np.ones(40), 1)
    assert {tuple(side[low]), tuple(side[high])} == {(False,) * 20, (True,) * 20}


def test_division_is_deterministic_under_ties():
    same = np.zeros((9, 2))
    assert [group.tolist() for group in divide(same, np.ones(9), 1)] == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]


def test_the_real_tree_is_a_bijection(real):
    """Theorem 1: w -> leaf is a bijection onto the leaves that are not empty."""
    leaf, filled = real["leaf"], np.isfinite(real["base_individual"]).reshape(-1)
    assert leaf.shape == (V,) and leaf.dtype == np.int32
    assert np.array_equal(np.sort(leaf), np.flatnonzero(filled))
    assert real["base_individual"].shape == (32, 32, 50)
    sizes = filled.reshape(1024, -1).sum(1)
    assert set(sizes) == {49, 50}, "50,257 tokens in 1,024 species"


def test_the_real_path_is_division_with_remainder(real):
    tree = CategoryTree(4, **real)
    genus, species, individual = tree.path(np.arange(V))
    assert np.array_equal((genus * 32 + species) * 50 + individual, real["leaf"])
    for part, n in ((genus, 32), (species, 32), (individual, 50)):
        assert part.min() == 0 and part.max() == n - 1


def test_the_real_head_starts_as_the_base_rates(real, text):
    """With a head of zeros, log p(w) is the smoothed unigram for any x, up to the tables' rounding to float32."""
    tree = CategoryTree(4, **real)
    p = tree.initial(np.random.default_rng(0), 4)
    start = tree.log_probs(p, np.random.default_rng(1).normal(size=(1, 4)))[0]
    np.testing.assert_allclose(start, np.log(base_rates(text.train, list(corpus.vocabulary()))), atol=1e-5)


def test_the_real_tables_are_the_same_every_time(real, text):
    again = tables(text.train, corpus.vocabulary())
    assert real.keys() == again.keys()
    assert all(np.array_equal(real[name], again[name]) for name in real)


def test_arranged_rates_multiply_back():
    groups = [np.array([2, 5]), np.array([0, 1, 4]), np.array([3]), np.array([6, 7])]
    rates = np.arange(1, 9) / 36
    tree = CategoryTree(2, **arrange(groups, rates, (2, 2)))
    g, s, i = tree.path(np.arange(8))
    logs = tree.base_genus[g] + tree.base_species[g, s] + tree.base_individual[g, s, i]
    np.testing.assert_allclose(np.exp(logs), rates, rtol=1e-6)
    assert [g[2], s[2], g[0], s[0], g[3], s[3], s[7]] == [0, 0, 0, 1, 1, 0, 1]
