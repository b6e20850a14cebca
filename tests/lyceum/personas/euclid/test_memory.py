"""E19's space of contexts: Pythagoras, the nearest by brute force, votes by hand, cuts, and the time it takes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyceum import corpus, personas
from lyceum.personas.euclid.memory import tables
from lyceum.personas.euclid.memory.evidence import LAGS, NAMES, Evidence
from lyceum.personas.euclid.memory.neighbours import AXES, LIMIT, Space, circles, contexts, integer_coordinates
from lyceum.personas.euclid.memory.votes import Rule, votes

SPACE, RULE = Space(), Rule()
N_LAGS, BEYOND = len(SPACE.lag_weights), 2**30  # a weight of the circle's lag that no sum over the others reaches


def drawn(seed: int, lag: int, length: int = 3000) -> tuple:
    """(pieces, coordinates, their circles of a lag, queries that have a circle)."""
    g = np.random.default_rng(seed)
    likely = 1 / np.arange(1, 31)
    text = g.choice(30, size=length, p=likely / likely.sum())
    e = g.integers(-LIMIT, LIMIT + 1, (31, AXES)).astype(np.int8)
    pieces = text[: length // 2], text[length // 2 :]
    queries = contexts(g.choice(30, size=(3, 7)), N_LAGS).reshape(21, -1)
    return pieces, e, circles(pieces, e, lag, SPACE), queries[queries[:, lag] >= 0]


def by_lag(pieces, coordinates, queries) -> tuple[np.ndarray, np.ndarray]:
    """The parts of |h - h'|^2 by lag, (lags, Q, N) int64, and the contexts h' in the order of the text, (N, lags)."""
    rows = np.concatenate([contexts(piece[:-1], N_LAGS) for piece in pieces])
    e = np.vstack([coordinates, np.zeros_like(coordinates[:1])]).astype(np.int64)
    parts = [
        SPACE.unit * (queries[:, None, lag] != rows[None, :, lag])
        + ((e[queries[:, lag]][:, None] - e[rows[:, lag]][None]) ** 2).sum(-1)
        for lag in range(N_LAGS)
    ]
    return np.array(SPACE.lag_weights)[:, None, None] * np.stack(parts), rows


@settings(max_examples=10)
@given(st.integers(0, 2**20), st.sampled_from(LAGS))
def test_squared_distances_add_and_no_part_exceeds_the_sum(seed, lag):
    pieces, e, of_lag, queries = drawn(seed, lag, 200)
    parts, rows = by_lag(pieces, e, queries)
    order = np.argsort(rows[:, lag], kind="stable")
    others = np.delete(parts, lag, axis=0)[..., order]
    distances = of_lag.distances(queries, slice(0, len(rows)))
    assert np.array_equal(distances, others.sum(0)) and (others.max(0) <= distances).all()
    assert distances.max() < 2**24


@settings(max_examples=5)
@given(st.integers(0, 2**20), st.sampled_from(LAGS))
def test_the_nearest_of_a_circle_are_the_nearest_of_all(seed, lag):
    """They are the nearest of all contexts under a weight of the lag beyond the rest."""
    pieces, e, of_lag, queries = drawn(seed, lag)
    parts, texts = by_lag(pieces, e, queries)
    parts[lag] = BEYOND * (queries[:, None, lag] != texts[None, :, lag])
    total, order = parts.sum(0), np.argsort(texts[:, lag], kind="stable")
    rows, distances = of_lag.nearest(queries)
    nearest = np.argsort(total, axis=1, kind="stable")[:, : SPACE.nearest]
    crowded = 0
    for query, expected in enumerate(nearest):
        inside = expected[total[query, expected] < BEYOND]
        result = rows[query][rows[query] >= 0]
        crowded += len(inside) == SPACE.nearest
        assert sorted(order[result]) == sorted(inside)
        assert np.array_equal(distances[query][rows[query] >= 0], total[query, order[result]])
    assert crowded or seed  # the commonest token's circle is larger than the neighbourhood, at least where seed is 0


def test_a_crowded_circle_is_cut():
    _, _, of_lag, queries = drawn(0, 0)
    crowded = queries[queries[:, 0] == 0]
    assert len(crowded) and of_lag.first[1] - of_lag.first[0] > SPACE.nearest
    assert (of_lag.nearest(crowded)[0] >= 0).all()


def test_of_equally_far_contexts_the_earlier_are_nearest():
    e = np.zeros((3, AXES), np.int8)
    of_lag = circles((np.tile([1, 2], 2 * SPACE.nearest),), e, 0, SPACE)
    rows, _ = of_lag.nearest(contexts(np.array([[1, 2, 1, 2, 1, 2]]), N_LAGS)[:, -1])
    low = of_lag.first[2]
    # The first two contexts lack the tokens before them, so all others are nearer.
    assert sorted(rows[0]) == list(range(low + 2, low + 2 + SPACE.nearest))


def test_a_query_does_not_depend_on_other_queries():
    _, _, of_lag, queries = drawn(5, 1)
    together, alone = of_lag.nearest(queries), [of_lag.nearest(queries[i : i + 1]) for i in range(len(queries))]
    for i, one in enumerate(alone):
        assert all(np.array_equal(x[i], y[0]) for x, y in zip(together, one, strict=True))


def test_no_context_crosses_a_cut():
    pieces, _, of_lag, _ = drawn(3, 0, 60)
    recount = np.concatenate([contexts(piece[:-1], N_LAGS) for piece in pieces])
    assert sorted(map(tuple, of_lag.contexts.T)) == sorted(map(tuple, recount))
    assert (np.sort(recount[:, 1])[:2] == -1).all() and (recount[:, 1] == -1).sum() == 2


def test_votes_by_hand():
    targets, distances = np.array([[7, 7, 3, 0]]), np.array([[0, 4096, 4096, 0]])
    result = votes(targets, distances, np.array([[True, True, True, False]]), 10, RULE)
    for i, ruler in enumerate(RULE.rulers):
        e = np.exp(-ruler)
        left = {7: 1 + e - 0.75, 3: e - 0.75 * e}
        ids, share = result.row(i, 0)
        assert ids.tolist() == [3, 7]
        np.testing.assert_allclose(share, np.array([left[3], left[7]]) / sum(left.values()))
        assert result.log_votes[i, 0] == pytest.approx(np.log(1 + 2 * e))
        assert result.backoff[i, 0] == pytest.approx(0.75 * (1 + e) / (1 + 2 * e))


def test_votes_of_far_neighbours_and_of_none():
    far = np.full((2, 3), int(400 * RULE.scale))
    result = votes(np.array([[1, 2, 1]] * 2), far, np.array([[True] * 3, [False] * 3]), 5, RULE)
    np.testing.assert_allclose([share.sum() for _, share in (result.row(i, 0) for i in range(3))], 1)
    assert all(len(result.row(i, 1)[0]) == 0 for i in range(3)) and (result.probs(np.array([1, 1]))[:, 1] == 0).all()
    assert (result.log_votes[:, 1] == 0).all() and (result.backoff[:, 1] == 1).all()
    assert np.isfinite(result.log_votes).all()
    none = votes(np.array([[1]]), np.array([[0]]), np.array([[False]]), 5, RULE)
    assert (none.probs(np.array([1])) == 0).all()


def test_the_text_is_remembered_in_a_minute():
    """Coordinates, contexts, counts and novelty of 302,000 tokens within a budget of 60 s; they take a few."""
    text, started = corpus.load(), time.perf_counter()
    arrays = tables.tables(text.train, corpus.vocabulary())
    evidence: Evidence = tables.evidence(None, arrays, arrays["text"])
    ids, targets = (text.val[None, i : i + 64].astype(np.int64) for i in (0, 1))
    features, offsets, parts = evidence.for_targets(ids, targets)
    assert time.perf_counter() - started < 60
    assert features.shape == (1, 64, len(Evidence.FEATURES)) and parts.shape == offsets.shape
    assert (offsets[0, 2:, 1 : 1 + len(NAMES)] > -20).mean() > 0.9
    e = arrays["coordinates"]
    assert np.abs(e).max() <= LIMIT and e[np.unique(text.train)].any(axis=1).all()


def test_coordinates_are_scaled_to_the_text():
    g = np.random.default_rng(0)
    coordinates, ids = g.normal(size=(50, 24)), g.integers(0, 50, 4000)
    e = integer_coordinates(coordinates, ids, SPACE.unit).astype(np.float64)
    apart = ((e[ids[:2000]] - e[ids[2000:]]) ** 2).sum(1).mean()
    assert apart == pytest.approx(SPACE.unit, rel=0.05) and e.shape == (50, AXES)


def test_the_persona_knows_its_memory():
    assert "memory" in {system.name for system in personas.find("euclid").systems}
