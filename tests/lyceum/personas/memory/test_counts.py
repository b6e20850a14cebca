"""Counts, novelty and recency: recounted word for word, without a stretch, and inside the block."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyceum import corpus
from lyceum.personas.aristotle import tokenize
from lyceum.personas.aristotle.memory import tables
from lyceum.personas.aristotle.memory.evidence import CONTEXTS
from lyceum.personas.aristotle.memory.kneser_ney import discount
from lyceum.personas.memory.counts import GENUS, SPECIES, TOKEN, Context, count, discounts, tally
from lyceum.personas.memory.novelty import novelty
from lyceum.personas.memory.recency import CLASSES, Recency, levels, matches

V = 12
READINGS = np.stack([np.arange(V), np.arange(V) // 2, np.arange(V) // 6])
TEXTS = st.lists(st.integers(0, V - 1), min_size=14, max_size=80).map(np.array)


def unpacked(windows: np.ndarray, length: int) -> list[tuple[int, ...]]:
    return [tuple(int(w) >> 16 * i & 0xFFFF for i in reversed(range(length))) for w in windows]


def recounted(text: np.ndarray, context: Context, allowed) -> Counter:
    """The windows of a text by a loop over its positions, those that `allowed(first, last position)` admits."""
    windows, margin = set() if context.continuation else Counter(), context.reach + context.continuation
    for i in range(margin, len(text)):
        if allowed(i - margin, i):
            window = (*(int(READINGS[level][text[i - back]]) for back, level in context.reads), int(text[i]))
            windows.update([(int(text[i - margin]), *window)] if context.continuation else [window])
    return Counter(window[1:] for window in windows) if context.continuation else windows


@given(TEXTS, st.data(), st.sampled_from([*CONTEXTS.values()]))
def test_counts_without_a_stretch_are_a_recount_without_it(text, data, context):
    """No window touches the stretch, nor reaches over it: the theorem on which cross-fitting rests."""
    low = data.draw(st.integers(0, len(text) // 2))
    high = data.draw(st.integers(low + 1, len(text)))
    pieces = tuple(piece for piece in (text[:low], text[high:]) if len(piece))
    expected = recounted(text, context, lambda first, last: last < low or first >= high)
    if not expected:
        return
    windows, counts = tally(pieces, context, READINGS)
    assert dict(zip(unpacked(windows, len(context.reads) + 1), counts.tolist(), strict=True)) == expected


@given(TEXTS, st.sampled_from([*CONTEXTS.values()]))
def test_a_table_is_what_the_equations_say(text, context):
    table, expected = count((text,), context, READINGS), recounted(text, context, lambda first, last: True)
    d = discount(expected)
    followers: dict[tuple, dict[int, int]] = {}
    for (*before, w), c in expected.items():
        followers.setdefault(tuple(before), {})[w] = c
    for row, before in enumerate(unpacked(table.contexts, len(context.reads))):
        after = followers.pop(before)
        total, backoff = sum(after.values()), sum(d[min(c, 3)] for c in after.values()) / sum(after.values())
        assert (table.total[row], table.types[row]) == (total, len(after))
        assert table.backoff[row] == pytest.approx(backoff)
        ids, p = table.followers(row)
        assert p.sum() == pytest.approx(1) and ids.tolist() == sorted(after)
        np.testing.assert_allclose(p, [(after[w] - d[min(after[w], 3)]) / total / (1 - backoff) for w in sorted(after)])
        keys = np.full(V, table.contexts[row])
        assert table.find(keys[:1]).item() == row
        dense = np.zeros(V)
        dense[ids] = p
        assert np.array_equal(table.probs(keys, np.arange(V)), dense)
    assert not followers


def test_what_the_text_lacks_has_no_row():
    table = count((np.array([1, 2, 3, 1, 2, 4]),), Context(((1, TOKEN),)), READINGS)
    assert table.find(np.array([0, 2, 9, 65_535], np.uint64)).tolist() == [-1, 1, -1, -1]
    assert (table.probs(np.array([2, 2, 9], np.uint64), np.array([3, 5, 3])) > 0).tolist() == [True, False, False]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_discounts_leave_every_count_something(counts):
    d = discounts(np.array(counts))
    assert d[0] == 0 and all(0 < d[i] < i for i in (1, 2, 3))


def test_discounts_of_the_papers():
    """n = (8, 4, 2, 1): Y = 1/2, D = 1 - 2/4, 2 - 3/4, 3 - 1."""
    np.testing.assert_allclose(discounts(np.repeat([1, 2, 3, 4, 9], [8, 4, 2, 1, 5])), [0, 0.5, 1.25, 2])


@settings(max_examples=50)
@given(TEXTS, st.integers(1, V))
def test_novelty_is_a_distribution_over_unseen_ids(text, n_classes):
    surface_class = np.arange(20) % n_classes
    novel = novelty((text[:7], text[7:]), surface_class)
    p = np.stack([novel.probs(np.full(20, before), np.arange(20)) for before in range(20)])
    np.testing.assert_allclose(p.sum(1), 1)
    assert ((p > 0) == (np.bincount(text, minlength=20) == 0)).all()
    assert (novel.rate > 0).all() and (novel.rate <= 1).all()


def test_without_unseen_ids_novelty_is_uniform():
    novel = novelty((np.arange(5).repeat(13),), np.zeros(5, np.int64))
    np.testing.assert_allclose(novel.probs(np.zeros(5, np.int64), np.arange(5)), 0.2)


def test_the_class_before_predicts_the_class_that_is_new():
    """Each new id of class 1 follows id 0, each of class 2 follows id 1: so it is expected again."""
    text = np.concatenate([[w % 2, 10 + w if w % 2 == 0 else 50 + w] for w in range(20)])
    surface_class = np.repeat([0, 3, 1, 2], [1, 9, 40, 50])
    p = novelty((text,), surface_class)
    after = [np.bincount(surface_class, [p.probs(before, w) for w in range(100)]) for before in (0, 1)]
    assert after[0][1] > after[1][1] and after[0][2] < after[1][2]


@given(TEXTS)
def test_matches_are_counted_as_by_hand(text):
    ids = text[None, :14]
    matched = matches(ids, 3)[0]
    for t in range(14):
        for j in range(14):
            length = 0
            while length < 3 and j - 1 - length >= 0 and j <= t and ids[0, j - 1 - length] == ids[0, t - length]:
                length += 1
            assert matched[t, j] == length


def test_recency_weights_are_what_the_equations_say():
    g = np.random.default_rng(0)
    a, r, b, s, m, q = (g.normal(size=n) for n in (6, CLASSES, 6, CLASSES, 3, CLASSES))
    ids, level = g.integers(0, 3, size=(2, 9)), g.integers(0, CLASSES, size=(2, 9))
    cache, follow = Recency(a, r, b, s, m, q).weights(ids, level)
    length = matches(ids, 3)
    for row, t, j in np.ndindex(2, 9, 9):
        lag = min(max(t - j, 0), 5)
        assert cache[row, t, j] == pytest.approx((j <= t) * np.exp(a[lag] + r[level[row, j]]))
        n = length[row, t, j]
        expected = np.exp(b[lag] + s[level[row, j]] + m[n - 1] + q[level[row, t]]) if n else 0
        assert follow[row, t, j] == pytest.approx(expected)


def test_levels():
    assert levels(np.array([0, 1, 2, 3, 7, 8, 10**6]), CLASSES).tolist() == [0, 1, 1, 2, 3, 3, CLASSES - 1]


def test_keys_read_tokens_species_and_genera():
    context = Context(((3, GENUS), (2, SPECIES), (1, TOKEN)))
    ids = np.array([[7, 5, 3, 9]])
    assert unpacked(context.keys(ids, READINGS, np.array([3, 4]))[0], 3) == [(1, 2, 3), (0, 1, 9)]


def test_the_contracts_text_is_counted_in_time():
    """Ten seconds are allowed on one thread; it takes about one."""
    text = corpus.load()
    groups = np.array_split(np.arange(50_257), 1024)
    tree = tokenize.CategoryTree(8, **tokenize.arrange(groups, np.ones(50_257), (32, 32)))
    made_tables = tables.tables(text.train, corpus.vocabulary())
    evidence = tables.evidence(tree, made_tables, made_tables["text"])
    start = time.process_time()
    assert len(evidence.tables) == len(CONTEXTS) and len(evidence.novelty.counts) == 50_257
    assert time.process_time() - start < 10
