"""Comparing tensors: infinities, NaN, shapes, missing gradients; and a wrong oracle is itself found out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from parity.judge import against, check, conditioned, slope
from parity.rooms import run_torch
from parity.verdict import AGREEMENT, compare
from personas.baseline.mlp import MLP
from personas.case import Case

INF, NAN = np.inf, np.nan
CASE = Case("test", None, lambda g: ())


def verdict(got, expected, bound=0.5):
    return compare("case", "leg", "what", np.array(got, float), np.array(expected, float), bound, "by decree")


def test_the_worst_place_is_named():
    found = verdict([[1, 2], [3, 4.25]], [[1.125, 2], [3, 4]], 0.1)
    assert (found.error, found.where, found.expected, found.got, found.scale) == (0.25, (1, 1), 4.0, 4.25, 4.0)
    assert not found.ok
    for word in ("case, leg, what", "(1, 1)", "expected 4", "got 4.25", "error 0.25", "allowed 0.1", "by decree"):
        assert word in found.sentence()


def test_the_bound_itself_is_allowed():
    assert verdict([1.5], [1.0]).ok and not verdict([np.nextafter(1.5, 2)], [1.0]).ok


def test_no_bound_means_bit_for_bit():
    assert verdict([1.0], [1.0], 0).ok and not verdict([np.nextafter(1, 2)], [1.0], 0).ok


@pytest.mark.parametrize(
    ("got", "expected", "ok"),
    [
        (INF, INF, True),
        (-INF, -INF, True),
        (INF, -INF, False),
        (1e300, INF, False),
        (INF, 1e300, False),
        (NAN, 1.0, False),
        (1.0, NAN, False),
        (NAN, NAN, False),
        (NAN, INF, False),
    ],
)
def test_what_is_not_finite(got, expected, ok):
    """Equal infinities agree; a NaN agrees with nothing, since no definition has one."""
    found = verdict([0, got], [0, expected], bound=1e308)
    assert found.ok is ok
    assert ok or found.where == (1,)


def test_infinities_are_no_scale():
    assert verdict([-INF, 2], [-INF, 2]).scale == 2


@pytest.mark.parametrize(("got", "expected"), [((2, 3), (3, 2)), ((3,), (1, 3)), ((1,), ()), ((2, 0), (0, 2))])
def test_shapes_do_not_broadcast(got, expected):
    found = verdict(np.zeros(got), np.zeros(expected), bound=1e308)
    assert not found.ok and f"shape {got} instead of {expected}" in found.sentence()


def test_nothing_agrees_with_nothing():
    assert verdict(np.zeros((0, 3)), np.zeros((0, 3)), 0).ok


@given(arrays(np.float64, array_shapes(), elements=st.floats(-1e6, 1e6)), st.floats(1e-3, 1e3), st.data())
def test_one_wrong_entry_is_found_wherever_it_is(expected, size, data):
    place = tuple(data.draw(st.integers(0, n - 1)) for n in expected.shape)
    got = expected.copy()
    got[place] += size
    found = verdict(got, expected, bound=size / 2)
    assert not found.ok and found.where == place


SPREAD = {"output": 1e-7, "weight": 1e-7}


def test_a_missing_gradient_is_red():
    oracle = {"output": np.ones(2), "weight": np.zeros(2)}
    found = {v.what: v for v in against("case", "mlx", {"output": np.ones(2)}, oracle, SPREAD, "float32")}
    assert found["output"].ok and not found["weight"].ok
    assert "missing" in found["weight"].sentence()


@pytest.mark.parametrize(("value", "ok"), [(0.0, True), (1e-30, False)])
def test_a_gradient_that_the_oracle_lacks_must_be_zero(value, ok):
    got = {"output": np.ones(2), "weight": np.array([0.0, value])}
    found = {v.what: v for v in against("case", "mlx", got, {"output": np.ones(2)}, SPREAD, "float32")}
    assert found["weight"].ok is ok


def test_a_case_too_ill_conditioned_is_red():
    """A float64 bound beyond 1e-10 of the case's scale would excuse a real difference."""
    oracle = {"output": np.array([2.0])}
    just = AGREEMENT * 2.0 / 8 * 2**29  # the spread at u = 2^-24 whose float64 bound is 1e-10 of 2
    assert [v.ok for v in conditioned("case", oracle, {"output": 0.99 * just})] == [True]
    assert [v.ok for v in conditioned("case", oracle, {"output": 1.01 * just})] == [False]


SPEC = MLP(4)


def sloped(change) -> bool:
    """Whether the slope check passes after `change` has been made to PyTorch's gradients of a small MLP."""
    g = np.random.default_rng(3)
    case = Case("mlp", SPEC, lambda g: (g.normal(size=(3, 4)),))
    parameters, inputs, cotangent = case.parameters(g), case.arguments(g), g.normal(size=(3, 4))
    oracle = run_torch(SPEC, "__call__", parameters, inputs, cotangent, "float64")
    change(oracle)
    return slope(case, parameters, inputs, cotangent, oracle, np.random.default_rng(4)).ok


def test_the_slope_accepts_the_right_gradient():
    assert sloped(lambda oracle: None)


CORRUPTIONS = {
    "one entry": lambda o: o["up.weight"].__setitem__((2, 1), o["up.weight"][2, 1] + 1e-4),
    "permuted": lambda o: o.update({"down.weight": o["down.weight"][::-1]}),
    "sign": lambda o: o.update({"input 0": -o["input 0"]}),
    "one path zeroed": lambda o: o.update({"input 0": 0 * o["input 0"]}),
    "missing": lambda o: o.pop("up.weight"),
    "scaled": lambda o: o.update({"down.weight": o["down.weight"] * (1 + 1e-4)}),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_slope_catches_a_wrong_gradient(name):
    assert not sloped(CORRUPTIONS[name])


def test_a_definition_that_differs_is_red_in_every_leg(monkeypatch):
    """The oracle of the outputs is the definition, not PyTorch."""
    monkeypatch.setattr(MLP, "__call__", lambda self, p, x, original=MLP.__call__: 1.00001 * original(self, p, x))
    red = {v.leg for v in check(Case("mlp", SPEC, lambda g: (g.normal(size=(3, 4)),))) if not v.ok}
    assert red == {"torch float64", "definition slope", "mlx float64", "torch float32", "mlx float32"}


def test_two_seeds_draw_two_cases():
    case = Case("mlp", SPEC, lambda g: (g.normal(size=(3, 4)),))
    first, again, second = ([v.expected for v in check(case, seed)] for seed in (0, 0, 1))
    assert first == again != second
