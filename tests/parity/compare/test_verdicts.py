"""Comparing tensors: infinities, NaN, shapes, missing gradients; and a wrong oracle is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.spec.case import Case, collect
from parity.bounds.rounding import UNIT, Deviations, retry_with_more_samples
from parity.compare.pair import Pair
from parity.compare.slope import slope
from parity.compare.verdicts import Oracle, against, compare_pair, conditioned
from parity.project.layers import VARIANTS, check, pair_and_point, pair_of
from parity.results.verdict import AGREEMENT, Verdict, compare
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import draw_point
from parity.sides.torch_side import TorchSide
from parity.sides.variants import ORACLE, Variant, variants

INF, NAN = np.inf, np.nan


def verdict(got, expected, bound=0.5):
    return compare("case", "variant", "what", np.array(got, float), np.array(expected, float), bound, "by decree")


def test_the_worst_entry_is_named():
    result = verdict([[1, 2], [3, 4.25]], [[1.125, 2], [3, 4]], 0.1)
    assert (result.error, result.where, result.expected, result.got, result.scale) == (0.25, (1, 1), 4.0, 4.25, 4.0)
    assert not result.ok
    for word in ("case, variant, what", "(1, 1)", "expected 4", "got 4.25", "error 0.25", "allowed 0.1", "by decree"):
        assert word in result.sentence()


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
    """Equal infinities agree; a NaN agrees with nothing, since no reference has one."""
    result = verdict([0, got], [0, expected], bound=1e308)
    assert result.ok is ok
    assert ok or result.where == (1,)


def test_infinities_are_no_scale():
    assert verdict([-INF, 2], [-INF, 2]).scale == 2


@pytest.mark.parametrize(("got", "expected"), [((2, 3), (3, 2)), ((3,), (1, 3)), ((1,), ()), ((2, 0), (0, 2))])
def test_shapes_do_not_broadcast(got, expected):
    result = verdict(np.zeros(got), np.zeros(expected), bound=1e308)
    assert not result.ok and f"shape {got} instead of {expected}" in result.sentence()


def test_nothing_agrees_with_nothing():
    assert verdict(np.zeros((0, 3)), np.zeros((0, 3)), 0).ok


@given(arrays(np.float64, array_shapes(), elements=st.floats(-1e6, 1e6)), st.floats(1e-3, 1e3), st.data())
def test_one_wrong_entry_is_seen_wherever_it_is(expected, size, data):
    index = tuple(data.draw(st.integers(0, n - 1)) for n in expected.shape)
    got = expected.copy()
    got[index] += size
    result = verdict(got, expected, bound=size / 2)
    assert not result.ok and result.where == index


VALUE, WEIGHT, VARIANT = ("value", "output"), ("gradient", "weight"), Variant("mlx", "float32")
DEVIATION = {VALUE: 1e-7, WEIGHT: 1e-7}


def compared(got: dict, truth: dict, probe: str = "gradient") -> dict[str, Verdict]:
    return {v.what: v for v in against("case", VARIANT, probe, got, truth, DEVIATION)}


def test_a_missing_gradient_fails():
    result = compared({VALUE: np.ones(2)}, {VALUE: np.ones(2), WEIGHT: np.zeros(2)})
    assert result["output"].ok and not result["weight"].ok
    assert "missing" in result["weight"].sentence()


@pytest.mark.parametrize(("value", "ok"), [(0.0, True), (1e-30, False)])
def test_a_gradient_that_the_oracle_lacks_must_be_zero(value, ok):
    result = compared({VALUE: np.ones(2), WEIGHT: np.array([0.0, value])}, {VALUE: np.ones(2)})
    assert result["weight"].ok is ok


@pytest.mark.parametrize("probe", ("looped", "vmapped"))
def test_one_example_at_a_time_is_compared_with_the_value(probe):
    truth = {VALUE: np.ones(2), WEIGHT: np.zeros(2)}
    assert compared({(probe, "output"): np.ones(2)}, truth, probe)[f"{probe}, output"].ok
    assert not compared({(probe, "output"): np.array([1, 1.5])}, truth, probe)[f"{probe}, output"].ok
    assert not compared({}, truth, probe)[f"{probe}, output"].ok


def test_a_case_too_ill_conditioned_fails():
    """A float64 bound beyond 1e-10 of the case's scale would excuse a real difference."""
    pair, truth = pair_of(CASE), {VALUE: np.array([2.0])}
    just = AGREEMENT * 2.0 / 8 * 2**29  # the deviation at u = 2^-24 whose float64 bound is 1e-10 of 2
    assert [v.ok for v in conditioned(pair, Oracle(truth, {}, {VALUE: 0.99 * just}))] == [True]
    assert [v.ok for v in conditioned(pair, Oracle(truth, {}, {VALUE: 1.01 * just}))] == [False]


SPEC = MLP(4)
CASE = Case("mlp", SPEC, lambda g: (g.normal(size=(3, 4)),))


def sloped(change) -> bool:
    """Whether the slope check passes after `change` has been made to PyTorch's gradients of an MLP."""
    g, pair = np.random.default_rng(3), pair_of(CASE)
    point = draw_point(CASE.parameters(g), CASE.arguments(g), {"output": np.zeros((3, 4))}, g)
    result = pair.evaluate(ORACLE, "gradient", point)
    gradients = {name: x for (probe, name), x in result.items() if probe == "gradient"}
    change(gradients)
    return slope(pair, point, {("gradient", name): x for name, x in gradients.items()}).ok


def test_the_slope_accepts_the_right_gradient():
    assert sloped(lambda gradients: None)


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


def test_a_definition_that_differs_fails_in_every_variant(monkeypatch):
    """The oracle of the outputs is the reference, not PyTorch."""
    monkeypatch.setattr(MLP, "__call__", lambda self, p, x, original=MLP.__call__: 1.00001 * original(self, p, x))
    failed = {v.variant for v in check(CASE) if not v.ok}
    assert failed == {"torch float64", "reference slope", "mlx float64", "torch float32", "mlx float32"}


def test_every_probe_is_made():
    tensors = {v.variant: set() for v in check(CASE)}
    for v in check(CASE):
        tensors[v.variant].add(v.what.partition(",")[0])
    leaves = {"input 0", "up.weight", "up.bias", "down.weight", "down.bias"} & tensors["mlx float64"]
    assert {"output", "jvp", "second order", "looped", "vmapped"} <= tensors["mlx float64"] == tensors["torch float32"]
    assert {"input 0"} < leaves


def test_low_precision_is_compared_at_numbers_it_represents():
    result = list(check(CASE, variants=tuple(variants(("bfloat16", "float16")))))
    assert all(v.ok for v in result)
    assert {v.variant for v in result} > {"torch bfloat16", "mlx bfloat16", "torch float16", "mlx float16"}


def test_compiled_variants():
    result = list(check(CASE, variants=tuple(variants(("float64", "float32"), compiled=("mlx",)))))
    compiled = [v for v in result if v.variant == "mlx float32 compiled"]
    assert compiled and all(v.ok for v in result)


def test_what_a_framework_cannot_is_a_limitation():
    pair = Pair("full batches only", TorchSide(lambda x: x * 2), MlxSide(lambda x: refuse(x)), batched=True)
    point = draw_point({}, (np.ones((2, 3)),), {"output": np.ones((2, 3))}, np.random.default_rng(0))
    result = list(compare_pair(pair, point, VARIANTS))
    limits = {(v.variant, v.what): v.limitation for v in result if v.limitation}
    assert set(limits) == {
        (f"mlx {dtype}", probe) for dtype in ("float64", "float32") for probe in ("looped", "vmapped")
    }
    assert set(limits.values()) == {"mlx cannot: no single example"}
    assert all(v.ok for v in result)


def refuse(x):
    """Twice x, for more than one example."""
    if x.shape[0] == 1:
        raise ValueError("no single example\nand more")
    return x * 2


def test_two_seeds_draw_two_cases():
    first, again, second = ([v.expected for v in check(CASE, seed)] for seed in (0, 0, 1))
    assert first == again != second


# Draws at which earlier forms of the slope check (a single step of Richardson's, a table that ended early) failed a
# right gradient.
ALARMS = [
    ("attention: sharp weights", 119),
    ("attention: sharp weights", 1108),
    ("norm: variance near eps", 43),
    ("norm: variance near eps", 48),
    ("norm: variance near eps", 149),
    ("norm: constant vector", 1145),
]


@pytest.mark.parametrize(("name", "seed"), ALARMS)
def test_no_false_alarm_of_the_slope(name, seed):
    pair, point = pair_and_point(next(case for case in collect("CASES") if case.name == name), seed)
    assert slope(pair, point, pair.evaluate(ORACLE, "gradient", point)).ok


def test_low_precision_is_rounded_with_its_unit(monkeypatch):
    units = []
    monkeypatch.setattr(
        "parity.bounds.rounding.Deviations", lambda compute, unit: units.append(unit) or Deviations(compute, unit)
    )
    list(check(CASE, variants=tuple(variants(("float64", "bfloat16", "float16")))))
    assert units == [UNIT["float32"], UNIT["bfloat16"], UNIT["float16"]]


@pytest.mark.parametrize(
    ("deviation", "drawn", "ok"), [(1.0, 1, True), (0.3, 4, True), (0.2, 6, True), (0.1, 6, False)]
)
def test_more_samples_are_drawn_only_before_anything_fails(deviation, drawn, ok):
    """The error is 1, and the deviation grows with the samples."""

    class Growing:
        enough, samples = 6, 0

        def of(self, samples: int) -> dict:
            self.samples = samples
            return {"y": deviation * samples}

    growing = Growing()
    result = retry_with_more_samples(growing, lambda deviations: [verdict([2.0], [1.0], deviations["y"])])
    assert (growing.samples, [v.ok for v in result]) == (drawn, [ok])
