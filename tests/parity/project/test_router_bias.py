"""Layers with a router, in the full model: their biases are updated, saved and compared like everything else."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from lyceum.personas.model import router_bias
from parity.float64 import exact
from parity.project import full_model, optimizer_steps, step, trainers, training
from parity.project.tiny_models import tiny_corpus, tiny_plan, tiny_plans
from tests.support.assertions import all_passed

STEPS, BACKENDS = 12, ("torch", "mlx")
# One plan for each set of router biases, and one in which a block waits for the first 8 steps.
ROUTED = [plan for plan in tiny_plans(STEPS).values() if plan.router_biases()]
DIFFERENT = {frozenset(plan.router_biases()): plan for plan in reversed(ROUTED)}.values()
PLANS = {plan.title: plan for plan in (*DIFFERENT, tiny_plans(30)["aristotle with grow"])}


@pytest.fixture(params=PLANS)
def plan(request):
    """A tiny plan with layers that have a router."""
    return PLANS[request.param]


def router_biases(plan, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: state[f"model.{name}"] for name in plan.router_biases()}


def test_they_are_declared(plan):
    assert plan.router_biases() <= plan.initial(0).keys()
    assert {name.rpartition(".mlp.")[0] for name in plan.router_biases()} == {"blocks.0", "blocks.1"}
    assert tiny_plan("baseline").router_biases() == set()


@pytest.mark.slow  # on the first draw also among the cases
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_full_model_and_a_step(plan, seed):
    all_passed(full_model.check(plan, seed))
    all_passed(step.check(plan, seed))


def test_the_optimizer_passes_them_by(plan):
    all_passed(optimizer_steps.check(plan, steps=3))
    for backend in BACKENDS:
        state = trainers.make(backend, plan, "float32").read()
        names = {name for name in state if any(bias in name for bias in plan.router_biases())}
        assert names == {f"model.{name}" for name in plan.router_biases()}


def test_every_choice_of_a_drawn_batch_is_clear(plan):
    for seed in range(5):
        parameters, ids, _, noise = full_model.drawn(plan, seed)
        assert full_model.CLEAR <= router_bias.margin(plan, parameters, ids, noise) < 0.5
    assert router_bias.margin(tiny_plan("baseline"), *full_model.drawn(tiny_plan("baseline"), 0)[:2], {}) == np.inf


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ("float64", "float32"))
def test_they_follow_the_reference_step_by_step(plan, backend, dtype):
    """From the backend's state before each step; in steps of a power of two, so that float32 holds them exactly."""
    corpus = tiny_corpus()
    trainer = trainers.make(backend, plan, dtype)
    with exact() if dtype == "float64" else nullcontext():
        for t in range(8):
            before = trainer.read()
            parameters = {name[6:]: x.astype(np.float64) for name, x in before.items() if name.startswith("model.")}
            ids, _ = training.batches.train_batch(corpus, 0, t, 4, 16)
            trainers.run(trainer, plan, corpus, range(t, t + 1))
            expected = router_bias.updated_router_bias(plan, parameters, ids, plan.noise(0, t))
            waiting = {name: parameters[name] for name in plan.router_biases() - expected.keys()}
            assert all(
                np.array_equal(x, (expected | waiting)[name]) for name, x in router_biases(plan, trainer.read()).items()
            )
    assert all(np.abs(x).max() > 0 for x in expected.values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_evaluation_and_the_optimizer_alone_leave_them(plan, backend):
    corpus = tiny_corpus()
    trainer = trainers.make(backend, plan, "float32")
    trainers.run(trainer, plan, corpus, range(3))
    before = router_biases(plan, trainer.read())
    trainer.losses(*training.batches.train_batch(corpus, 0, 9, 4, 16))
    trained = {name: np.ones_like(p) for name, p in plan.initial(0).items() if name not in plan.router_biases()}
    trainer.apply(trained, 1e-3)
    assert all(np.array_equal(x, before[name]) for name, x in router_biases(plan, trainer.read()).items())


def test_a_run_and_its_checkpoints_across(plan):
    """In float64, where no choice is near enough to a tie: every loss, and states that cross bit for bit."""
    verdicts = all_passed(training.trajectories(plan, tiny_corpus(), "float64", STEPS))
    assert {v.variant for v in verdicts} >= {"mlx float64", "torch to mlx float64", "mlx to torch float64"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_resumed_run_is_the_same_run(plan, backend):
    corpus = tiny_corpus()
    unbroken, first, second = (trainers.make(backend, plan, "float32", seed) for seed in (0, 0, 1))
    trainers.run(unbroken, plan, corpus, range(8))
    trainers.run(first, plan, corpus, range(4))
    second.write(first.read())
    trainers.run(second, plan, corpus, range(4, 8))
    end, resumed = unbroken.read(), second.read()
    assert end.keys() == resumed.keys() and all(np.array_equal(end[name], resumed[name]) for name in end)
