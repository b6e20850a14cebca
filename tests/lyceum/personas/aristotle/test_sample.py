"""Samplers: bad values are sentences, laws are as on paper, and a choice is as far from another as is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyceum.personas.aristotle.sample import DEFAULT, Modality
from lyceum.personas.baseline.sample import Plain
from lyceum.personas.model.sampling import SamplerError, choose, first, limit, variates, weights
from lyceum.personas.properties.samplers import logits_of
from lyceum.rng import stream
from parity.float64 import exact
from parity.project.layers import evaluator

BACKENDS = ("torch", "mlx")
SPECS = (DEFAULT, Modality(0.1, 0.6, 0.7), Modality(0, 0.9, 0.9), Plain(), Plain(0.7, 8, 0.9, 0.05))


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (Modality, dict(alpha=-0.1), "alpha must be from 0 to 1, got -0.1"),
        (Modality, dict(alpha=1.1), "alpha"),
        (Modality, dict(nu=0.5), "nu must be above 1/2"),
        (Modality, dict(nu=float("nan")), "nu"),
        (Modality, dict(tau=0.0), "tau"),
        (Plain, dict(temperature=0.0), "temperature must be a number above 0, got 0.0"),
        (Plain, dict(temperature=float("inf")), "temperature"),
        (Plain, dict(top_k=0), "top-k"),
        (Plain, dict(top_p=0.0), "top-p"),
        (Plain, dict(top_p=1.5), "top-p"),
        (Plain, dict(min_p=-1.0), "min-p"),
    ],
)
def test_a_value_that_means_nothing_is_a_sentence(kind, values, words):
    with pytest.raises(SamplerError, match=words):
        kind(**values)


def test_by_hand():
    """Four tokens of 1/2, 1/4, 1/8, 1/8: weights, limits, orders and intervals as on paper."""
    p = np.array([0.125, 0.5, 0.25, 0.125])
    n = weights(np.log(p))
    assert n.tolist() == [2**27, 2**29, 2**28, 2**27]
    assert limit(0.75, n) == 3 * 2**28 and limit(2**-40, n) == 1
    assert first(-np.log(p), n, limit(0.75, n)).tolist() == [False, True, True, False]
    assert first(-np.log(p), n, limit(0.76, n)).tolist() == [True, True, True, False]
    kept = np.array([True, False, True, True])
    ids = [int(choose(n, kept, np.array(r))[0]) for r in (0, 2**29 - 1, 2**29, 3 * 2**29 - 1, 3 * 2**29, 2**31 - 1)]
    assert ids == [0, 0, 2, 2, 3, 3]
    assert choose(n, kept, np.array(0)).tolist() == [0, 2**29, 2**30, 3]


def test_modality_by_hand():
    """With alpha = 0.3 an eighth is impossible beside a half; 0.9 of the rest is needed, or half of it, or none."""
    logits = np.log([[0.125, 0.5, 0.25, 0.125]])
    for spec, kept in (
        (Modality(0.3, 0.9, 0.9), [0, 1, 1, 0]),
        (Modality(0.2, 0.9, 1.0), [1, 1, 1, 1]),
        (Modality(1.0, 0.9, 1.0), [0, 1, 0, 0]),
        # q = 2/3, 1/3: H = 0.637, -log q = 0.405 and 1.099: the likelier is the more typical.
        (Modality(0.3, 0.9, 0.5), [0, 1, 0, 0]),
    ):
        assert spec.allowed({}, logits)[0].tolist() == [bool(x) for x in kept], spec


def test_the_likeliest_need_not_be_typical():
    """One token of 0.4 and sixty of 0.01: H is 3.1 nats, 0.01 says 4.6 and 0.4 says 0.9, so the many are nearer."""
    logits = np.log(np.array([[0.4] + 60 * [0.01]]))
    kept = Modality(0.0, 0.9, 0.495).allowed({}, logits)[0]
    assert not kept[0] and kept.sum() == 50 and kept[1:51].all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_backends_say_what_the_definition_says_over_the_whole_vocabulary(backend, spec):
    """50,257 tokens in float32, 20 rows: the same token, but for choices that hang on rounding, which are counted."""
    g = stream(1, "test-sample")
    logits, r = logits_of(g, 20, 50_257), variates(g, 20)
    expected, got = spec.draw({}, logits, r), evaluator(backend, "float32")(spec, {}, "draw", logits, r)
    near = np.array([spec.clearance(row, one) < 2e-5 for row, one in zip(logits, r, strict=True)])
    assert (got[~near, 0] == expected[~near, 0]).all()
    assert near.sum() <= 8
    np.testing.assert_allclose(got[:, 1] / got[:, 2], expected[:, 1] / expected[:, 2], atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.sampled_from(SPECS), st.floats(0.5, 6))
def test_nothing_within_the_clearance_changes_the_token(seed, spec, scale):
    """Whatever moves the logits by less, in any direction."""
    g = stream(seed, "clearance")
    logits, r = scale * logits_of(g, 1)[0] / 2, variates(g, 1)
    layer = spec.clearance(logits, int(r[0]))
    if layer <= 0:
        return
    moves = min(layer, 3) * 0.999 * np.concatenate([g.choice([-1, 1], (30, 37)), g.uniform(-1, 1, (10, 37))])
    said = spec.draw({}, logits + moves, np.repeat(r, 40))[:, 0]
    assert (said == spec.draw({}, logits[None], r)[0, 0]).all()


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_clearance_is_not_far_too_small(spec):
    """Of 40 choices, most can be turned within 100 times the clearance: it is a bound, not an excuse."""
    g = stream(2, "clearance")
    turned = 0
    for _ in range(40):
        logits, r = logits_of(g, 1)[0], variates(g, 1)
        layer = 100 * spec.clearance(logits, int(r[0]))
        moves = min(max(layer, 1e-3), 9) * g.choice([-1, 1], (200, 37))
        turned += len(set(spec.draw({}, logits + moves, np.repeat(r, 200))[:, 0])) > 1
    assert turned > 20


@pytest.mark.parametrize("backend", BACKENDS)
def test_infinitely_unlikely_tokens_are_not_said(backend):
    logits = np.array([[-np.inf, 0.0, -np.inf, -1.0]])
    for spec in SPECS:
        with exact():
            said = evaluator(backend, "float64")(spec, {}, "draw", np.repeat(logits, 64, 0), np.arange(64) * 2**25)
        assert set(said[:, 0]) <= {1, 3}
