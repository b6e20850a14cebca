"""Whole training runs in both wings: the optimizer, the loss at every step, checkpoints across."""

from __future__ import annotations

import numpy as np
import pytest
from assertions import all_green

from corpus import batches
from parity import training
from parity.small import small_corpus, small_plan
from personas.adamw import adamw, clipped
from personas.persona import Recipe

PERSONAS = ("baseline", "aristotle")


@pytest.mark.parametrize("name", PERSONAS)
def test_adamw_over_50_steps(name):
    all_green(training.optimizer(small_plan(name)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PERSONAS)
def test_every_loss_of_200_steps_and_checkpoints_across(name, dtype):
    verdicts = all_green(training.trajectories(small_plan(name), small_corpus(), dtype, 200))
    if dtype == "float64":
        assert max(v.error / v.expected for v in verdicts if v.what.startswith("loss")) < 1e-10


def test_the_envelope_is_narrow():
    """It must not excuse a real difference: over 50 steps it stays far below what one step of training changes."""
    plan, corpus = small_plan("aristotle", 50), small_corpus()
    losses, allowed = training.envelope(plan, corpus, "float32", 50)
    assert allowed[0] > 0
    assert allowed[-1] < 1e-2 * np.abs(losses[0] - losses[-1])


def test_a_learning_rate_off_by_a_thousandth_is_seen():
    plan, corpus = small_plan("baseline", 50), small_corpus()
    reference, allowed = training.envelope(plan, corpus, "float32", 50)
    other = training.make("torch", plan, "float32")
    rates = [plan.recipe.learning_rate(t) * 1.001 for t in range(50)]
    losses = np.array(
        [float(other.step(*batches.train_batch(corpus, 0, t, 4, 16), plan.noise(0, t), rates[t])) for t in range(50)]
    )
    assert not training.worst_step("case", "leg", losses, reference, allowed).ok


@pytest.mark.parametrize("wing", training.WINGS)
def test_apply_leaves_the_given_gradients_alone(wing):
    plan = small_plan("baseline")
    given = {name: np.ones_like(p) for name, p in plan.initial(0).items()}
    training.make(wing, plan, "float32").apply(given, 1e-3)
    assert all(np.array_equal(g, np.ones_like(g)) for g in given.values())


def test_moved_moves_every_parameter_by_one_ulp():
    plan = small_plan("baseline")
    before = training.make("torch", plan, "float32").read()
    after = training.moved(training.make("torch", plan, "float32"), "float32", 0).read()
    for name, value in before.items():
        if name.startswith("model."):
            lower, upper = np.nextafter(value, np.float32(-np.inf)), np.nextafter(value, np.float32(np.inf))
            assert np.all((after[name] == lower) | (after[name] == upper)), name
        else:
            assert np.array_equal(after[name], value), name


def test_definition_decouples_the_decay():
    recipe, p = Recipe(peak_lr=0.1, total_steps=1), np.array([2.0, -3.0])
    zero = np.zeros(2)
    moved, m, v = adamw(p, zero, np.array([5.0, 7.0]), zero, 3, 0.1, recipe, 0.5)
    assert np.allclose(moved, p * (1 - 0.1 * 0.5), rtol=1e-15)
    assert np.array_equal(m, zero)
    assert np.allclose(v, 0.95 * np.array([5.0, 7.0]), rtol=1e-15)


def test_definition_first_step_undoes_the_zero_start():
    recipe, g = Recipe(peak_lr=0.1, total_steps=1), np.array([1e-3, -2.0])
    moved, _, _ = adamw(np.zeros(2), np.zeros(2), np.zeros(2), g, 1, 0.1, recipe, 0.0)
    assert np.allclose(moved, -0.1 * g / (np.abs(g) + recipe.eps), rtol=1e-13)


def test_definition_clips_at_the_global_norm():
    gradients = {"a": np.full(4, 3.0), "b": np.array([8.0])}
    norm = np.sqrt(4 * 9 + 64)
    scaled = clipped(gradients, 1.0)
    assert np.allclose(scaled["a"], 3 / (norm + 1e-6)) and np.allclose(scaled["b"], 8 / (norm + 1e-6))
    assert clipped(gradients, 100.0) is gradients
