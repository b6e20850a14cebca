"""Training runs in both backends: the optimizer, the loss at every step, checkpoints across."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from lyceum.personas import PERSONAS
from lyceum.personas.model.adamw import adamw, clipped
from lyceum.personas.spec.recipe import Recipe
from parity.float64 import exact
from parity.project import optimizer_steps, trainers, training
from parity.project.tiny_models import tiny_corpus, tiny_plan, trained_plans
from parity.results.verdict import AGREEMENT
from tests.support.assertions import all_passed

PLANS = trained_plans()


def over(few: int, steps: int, *what: str) -> list:
    """What is run over a few steps, and over all of them if slow tests are asked for."""
    return [(*what, few), pytest.param(*what, steps, marks=pytest.mark.slow)]


# A wrong rule of update shows within a few steps in float64; that 500 steps stay together is a slow test.
UPDATES = [each for name in PLANS for each in over(5, 50, name)]
# Other recipes and objectives have tests of a few steps among those of their systems.
RUNS = [each for name in PERSONAS for dtype in ("float64", "float32") for each in over(12, training.STEPS, name, dtype)]
RUNS += [
    pytest.param(name, dtype, training.STEPS, marks=pytest.mark.slow)
    for name in PLANS
    for dtype in ("float64", "float32")
    if name not in PERSONAS
]


@pytest.mark.parametrize(("name", "steps"), UPDATES)
def test_the_optimizer(name, steps):
    all_passed(optimizer_steps.check(PLANS[name], steps))


@pytest.mark.parametrize(("name", "dtype", "steps"), RUNS)
def test_every_loss_and_checkpoints_across(name, dtype, steps):
    plan = trained_plans(steps)[name]
    verdicts = all_passed(training.trajectories(plan, tiny_corpus(), dtype, steps))
    assert [v.what for v in verdicts if v.variant == f"mlx {dtype}"] == [f"loss, {steps} steps"]
    assert {v.variant for v in verdicts} >= {f"torch to mlx {dtype}", f"mlx to torch {dtype}"}
    if dtype == "float64":
        assert max(v.error / v.expected for v in verdicts if v.what.startswith("loss")) < AGREEMENT


@pytest.fixture(scope="module", params=["float64", pytest.param("float32", marks=pytest.mark.slow)])
def fenced(request):
    """(plan, dtype, losses, envelope) of the first steps of aristotle's 500: 10 in float64, 100 in float32."""
    plan, corpus, dtype = tiny_plan("aristotle", training.STEPS), tiny_corpus(), request.param
    steps = {"float64": 10, "float32": 100}[dtype]
    losses = trainers.run(trainers.make("torch", plan, dtype), plan, corpus, range(steps))
    return plan, dtype, losses, training.envelope(plan, corpus, dtype, losses)


def leaves(fenced, backend: str, **recipe) -> int | None:
    """The step at which a run with a changed recipe is first outside the envelope; None if it never is."""
    plan, dtype, losses, allowed = fenced
    faulty = replace(plan, recipe=replace(plan.recipe, **recipe))
    with exact() if dtype == "float64" else nullcontext():
        got = trainers.run(trainers.make(backend, faulty, dtype), faulty, tiny_corpus(), range(len(losses)))
    outside = np.flatnonzero(~(np.abs(got - losses) <= allowed))
    return int(outside[0]) if outside.size else None


# A recipe in which one number is slightly wrong, and by which step the losses tell, in float64 and in float32. None: at
# float32 the fault's effect on 100 losses is smaller than that of rounding, which is why float64 is compared as well.
SLIGHT = {
    "decay 2.1 for 2.0": (dict(weight_decay=2.1), 5, 99),
    "decay 2.02 for 2.0": (dict(weight_decay=2.02), 5, 99),
    "beta1 0.899 for 0.9": (dict(betas=(0.899, 0.95)), 5, 50),
    "beta2 0.949 for 0.95": (dict(betas=(0.9, 0.949)), 5, 50),
    "eps 1e-6 for 1e-8": (dict(eps=1e-6), 5, 50),
    "eps 2e-8 for 1e-8": (dict(eps=2e-8), 5, None),
    "rate off by 1e-4": (dict(peak_lr=1e-3 * 1.0001), 5, None),
}


@pytest.mark.parametrize("fault", SLIGHT)
def test_slightly_wrong_recipes_leave_the_envelope(fenced, fault):
    changed, *by = SLIGHT[fault]
    expected = by[0] if fenced[1] == "float64" else by[1]
    step = leaves(fenced, "torch", **changed)
    assert step is None if expected is None else step is not None and step <= expected


def test_the_recipe_itself_stays_inside(fenced):
    assert leaves(fenced, "torch") is None


def test_the_envelope_is_narrow(fenced):
    """It must not excuse a real difference: it stays far below what training changes."""
    _, dtype, losses, allowed = fenced
    assert allowed[0] > 0
    # In float32 of what 100 steps change, in float64 of what 10 do.
    assert allowed[-1] < 1e-2 * np.abs(losses - losses[0]).max()


def test_the_worst_step_is_the_one_reported():
    expected, allowed = np.full(4, 2.0), np.array([1e-3, 1e-2, 1e-1, 1e-1])
    verdict = training.worst_step("case", "variant", expected + [0.0, 5e-3, 1e-2, 0.0], expected, allowed, first=250)
    assert verdict.ok is True and verdict.derivation.startswith("step 251:") and verdict.bound == 1e-2
    assert not training.worst_step("case", "variant", expected + [0.0, np.nan, 0.0, 0.0], expected, allowed).ok


def test_an_envelope_that_grew_would_fail():
    losses = np.full(3, 4.0)
    assert training.narrow("case", "float64", losses, np.array([1e-14, 1e-13, 1e-12])).ok is True
    verdict = training.narrow("case", "float64", losses, np.array([1e-14, 1e-9, 1e-9]))
    assert not verdict.ok and "at step 1" in verdict.derivation


def test_a_state_that_does_not_come_back_fails():
    state = {"a": np.ones(2), "b": np.zeros(3)}
    assert all(v.ok for v in training.unchanged("case", "variant", state, state))
    assert not next(training.unchanged("case", "variant", state | {"a": np.nextafter(state["a"], 2)}, state)).ok
    assert not next(training.unchanged("case", "variant", {"a": state["a"]}, state)).ok


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_apply_leaves_the_given_gradients_alone(backend):
    plan = tiny_plan("baseline")
    given = {name: np.ones_like(p) for name, p in plan.initial(0).items()}
    trainers.make(backend, plan, "float32").apply(given, 1e-3)
    assert all(np.array_equal(g, np.ones_like(g)) for g in given.values())


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_a_state_that_was_written_is_left_alone(backend):
    """Training goes on in a copy: two trainers may be given the same arrays."""
    plan, corpus = tiny_plan("aristotle"), tiny_corpus()
    first, second = (trainers.make(backend, plan, "float32") for _ in range(2))
    trainers.run(first, plan, corpus, range(2))
    state = first.read()
    before = {name: value.copy() for name, value in state.items()}
    second.write(state)
    trainers.run(second, plan, corpus, range(2, 4))
    assert all(np.array_equal(value, before[name]) for name, value in state.items())


def test_moved_moves_every_parameter_by_one_ulp():
    plan = tiny_plan("baseline")
    before = trainers.make("torch", plan, "float32").read()
    after = trainers.moved(trainers.make("torch", plan, "float32"), "float32", 0).read()
    for name, value in before.items():
        if name.startswith("model."):
            lower, upper = np.nextafter(value, np.float32(-np.inf)), np.nextafter(value, np.float32(np.inf))
            assert np.all((after[name] == lower) | (after[name] == upper)), name
        else:
            assert np.array_equal(after[name], value), name


def test_reference_decouples_the_decay():
    recipe, p = Recipe(peak_lr=0.1, total_steps=1), np.array([2.0, -3.0])
    zero = np.zeros(2)
    moved, m, v = adamw(p, zero, np.array([5.0, 7.0]), zero, 3, 0.1, recipe, 0.5)
    assert np.allclose(moved, p * (1 - 0.1 * 0.5), rtol=1e-15)
    assert np.array_equal(m, zero)
    assert np.allclose(v, 0.95 * np.array([5.0, 7.0]), rtol=1e-15)


def test_reference_first_step_undoes_the_zero_start():
    recipe, g = Recipe(peak_lr=0.1, total_steps=1), np.array([1e-3, -2.0])
    moved, _, _ = adamw(np.zeros(2), np.zeros(2), np.zeros(2), g, 1, 0.1, recipe, 0.0)
    assert np.allclose(moved, -0.1 * g / (np.abs(g) + recipe.eps), rtol=1e-13)


def test_reference_clips_at_the_global_norm():
    gradients = {"a": np.full(4, 3.0), "b": np.array([8.0])}
    norm = np.sqrt(4 * 9 + 64)
    scaled = clipped(gradients, 1.0)
    assert np.allclose(scaled["a"], 3 / (norm + 1e-6)) and np.allclose(scaled["b"], 8 / (norm + 1e-6))
    assert clipped(gradients, 100.0) is gradients
