"""Samplers: errors are sentences, laws by hand, backends agree, and within the clearance the token is the same."""

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
    ("sampler", "values", "words"),
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
def test_an_invalid_value_is_a_sentence(sampler, values, words):
    with pytest.raises(SamplerError, match=words):
        sampler(**values)


def test_by_hand():
    """Four tokens of 1/2, 1/4, 1/8, 1/8: weights, limits, orders and intervals by hand."""
    p = np.array([0.125, 0.5, 0.25, 0.125])
    n = weights(np.log(p))
    assert n.tolist() == [2**27, 2**29, 2**28, 2**27]
    assert limit(0.75, n) == 3 * 2**28 and limit(2**-40, n) == 1
    assert first(-np.log(p), n, limit(0.75, n)).tolist() == [False, True, True, False]
    assert first(-np.log(p), n, limit(0.76, n)).tolist() == [True, True, True, False]
    allowed = np.array([True, False, True, True])
    ids = [int(choose(n, allowed, np.array(r))[0]) for r in (0, 2**29 - 1, 2**29, 3 * 2**29 - 1, 3 * 2**29, 2**31 - 1)]
    assert ids == [0, 0, 2, 2, 3, 3]
    assert choose(n, allowed, np.array(0)).tolist() == [0, 2**29, 2**30, 3]


def test_modality_by_hand():
    """With alpha = 0.3 an eighth is impossible beside a half; tau selects from the rest."""
    logits = np.log([[0.125, 0.5, 0.25, 0.125]])
    for spec, allowed in (
        (Modality(0.3, 0.9, 0.9), [0, 1, 1, 0]),
        (Modality(0.2, 0.9, 1.0), [1, 1, 1, 1]),
        (Modality(1.0, 0.9, 1.0), [0, 1, 0, 0]),
        # q = 2/3, 1/3: H = 0.637, -log q = 0.405 and 1.099: the likelier is the more typical.
        (Modality(0.3, 0.9, 0.5), [0, 1, 0, 0]),
    ):
        assert spec.allowed({}, logits)[0].tolist() == [bool(x) for x in allowed], spec


def test_the_likeliest_need_not_be_typical():
    """One token of 0.4 and sixty of 0.01: H is 3.1 nats, the surprises are 0.9 and 4.6, so the sixty are nearer."""
    logits = np.log(np.array([[0.4] + 60 * [0.01]]))
    allowed = Modality(0.0, 0.9, 0.495).allowed({}, logits)[0]
    assert not allowed[0] and allowed.sum() == 50 and allowed[1:51].all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_backends_draw_what_the_reference_draws_from_the_full_vocabulary(backend, spec):
    """50,257 tokens in float32, 20 rows: the same token, except for choices within rounding, which are counted."""
    g = stream(1, "test-sample")
    logits, r = logits_of(g, 20, 50_257), variates(g, 20)
    expected, got = spec.draw({}, logits, r), evaluator(backend, "float32")(spec, {}, "draw", logits, r)
    near = np.array([spec.clearance(row, one) < 2e-5 for row, one in zip(logits, r, strict=True)])
    assert (got[~near, 0] == expected[~near, 0]).all()
    assert near.sum() <= 8
    np.testing.assert_allclose(got[:, 1] / got[:, 2], expected[:, 1] / expected[:, 2], atol=1e-3)


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.sampled_from(SPECS), st.floats(0.5, 6))
def test_nothing_within_the_clearance_changes_the_token(seed, spec, scale):
    """For changes of the logits in any direction."""
    g = stream(seed, "clearance")
    logits, r = scale * logits_of(g, 1)[0] / 2, variates(g, 1)
    clearance = spec.clearance(logits, int(r[0]))
    if clearance <= 0:
        return
    moves = min(clearance, 3) * 0.999 * np.concatenate([g.choice([-1, 1], (30, 37)), g.uniform(-1, 1, (10, 37))])
    tokens = spec.draw({}, logits + moves, np.repeat(r, 40))[:, 0]
    assert (tokens == spec.draw({}, logits[None], r)[0, 0]).all()


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_clearance_is_not_far_too_low(spec):
    """Of 40 choices, most can be changed within 100 times the clearance."""
    g = stream(2, "clearance")
    changed = 0
    for _ in range(40):
        logits, r = logits_of(g, 1)[0], variates(g, 1)
        clearance = 100 * spec.clearance(logits, int(r[0]))
        moves = min(max(clearance, 1e-3), 9) * g.choice([-1, 1], (200, 37))
        changed += len(set(spec.draw({}, logits + moves, np.repeat(r, 200))[:, 0])) > 1
    assert changed > 20


@pytest.mark.parametrize("backend", BACKENDS)
def test_tokens_of_probability_zero_are_not_drawn(backend):
    logits = np.array([[-np.inf, 0.0, -np.inf, -1.0]])
    for spec in SPECS:
        with exact():
            draws = evaluator(backend, "float64")(spec, {}, "draw", np.repeat(logits, 64, 0), np.arange(64) * 2**25)
        assert set(draws[:, 0]) <= {1, 3}
