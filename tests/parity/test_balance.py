"""Rooms that choose, in the whole model: their balances are trained, saved and compared like everything else."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from assertions import all_green

from parity import adamw_check, step, trainers, training, whole
from parity.exact import exact
from parity.small import small_corpus, small_plan
from personas import balance
from personas.aristotle.moe import PorphyryTree
from personas.aristotle.norm import GoldenMean
from personas.euclid.moe import SimplexExperts
from personas.euclid.norm import SphereNorm

STEPS, WINGS = 30, ("torch", "mlx")
PARTS = {
    "aristotle": {"norm": GoldenMean(16), "mlp": PorphyryTree(16, 3, 5)},
    "euclid": {"norm": SphereNorm(16), "mlp": SimplexExperts(16, 5)},
}


@pytest.fixture(params=PARTS)
def plan(request):
    """A persona's small plan with its experts and its norm."""
    plan = small_plan(request.param, STEPS)
    return replace(plan, parts=plan.parts | PARTS[request.param])


def balances(plan, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: state[f"model.{name}"] for name in plan.balances()}


def test_they_are_declared(plan):
    assert plan.balances() == {"blocks.0.mlp.beta", "blocks.1.mlp.beta"} <= plan.initial(0).keys()
    assert small_plan(plan.name).balances() == set()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_the_whole_model_and_a_step(plan, seed):
    all_green(whole.check(plan, seed))
    all_green(step.check(plan, seed))


def test_the_optimizer_passes_them_by(plan):
    all_green(adamw_check.optimizer(plan, steps=3))
    for wing in WINGS:
        state = trainers.make(wing, plan, "float32").read()
        assert {name for name in state if "beta" in name} == {f"model.{name}" for name in plan.balances()}


def test_every_choice_of_a_drawn_batch_is_clear(plan):
    for seed in range(5):
        parameters, ids, _, noise = whole.drawn(plan, seed)
        assert whole.CLEAR <= balance.margin(plan, parameters, ids, noise) < 0.1
    assert balance.margin(small_plan(plan.name), parameters, ids, noise) == np.inf


@pytest.mark.parametrize("wing", WINGS)
@pytest.mark.parametrize("dtype", ("float64", "float32"))
def test_they_follow_the_definition_step_by_step(plan, wing, dtype):
    """From the wing's own state before each step; in steps of a power of two, so that float32 holds them exactly."""
    corpus = small_corpus()
    trainer = trainers.make(wing, plan, dtype)
    with exact() if dtype == "float64" else nullcontext():
        for t in range(8):
            before = trainer.read()
            held = {name[6:]: x.astype(np.float64) for name, x in before.items() if name.startswith("model.")}
            ids, _ = training.batches.train_batch(corpus, 0, t, 4, 16)
            trainers.run(trainer, plan, corpus, range(t, t + 1))
            expected = balance.settled(plan, held, ids, plan.noise(0, t))
            assert all(np.array_equal(x, expected[name]) for name, x in balances(plan, trainer.read()).items())
    assert all(np.abs(x).max() > 0 for x in expected.values())


@pytest.mark.parametrize("wing", WINGS)
def test_evaluation_and_the_optimizer_alone_leave_them(plan, wing):
    corpus = small_corpus()
    trainer = trainers.make(wing, plan, "float32")
    trainers.run(trainer, plan, corpus, range(3))
    before = balances(plan, trainer.read())
    trainer.losses(*training.batches.train_batch(corpus, 0, 9, 4, 16))
    trained = {name: np.ones_like(p) for name, p in plan.initial(0).items() if name not in plan.balances()}
    trainer.apply(trained, 1e-3)
    assert all(np.array_equal(x, before[name]) for name, x in balances(plan, trainer.read()).items())


def test_a_run_and_its_checkpoints_across(plan):
    """In float64, where no choice is near enough to a tie: every loss, and states that cross bit for bit."""
    verdicts = all_green(training.trajectories(plan, small_corpus(), "float64", STEPS))
    assert {v.leg for v in verdicts} >= {"mlx float64", "torch to mlx float64", "mlx to torch float64"}


@pytest.mark.parametrize("wing", WINGS)
def test_a_resumed_run_is_the_same_run(plan, wing):
    corpus = small_corpus()
    whole_run, first, second = (trainers.make(wing, plan, "float32", seed) for seed in (0, 0, 1))
    trainers.run(whole_run, plan, corpus, range(8))
    trainers.run(first, plan, corpus, range(4))
    second.write(first.read())
    trainers.run(second, plan, corpus, range(4, 8))
    end, resumed = whole_run.read(), second.read()
    assert end.keys() == resumed.keys() and all(np.array_equal(end[name], resumed[name]) for name in end)
