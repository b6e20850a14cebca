"""A13, prudence: the rule by hand, the slope of a trainer's loss in each rate, resumed runs, a rate that was wrong."""

from __future__ import annotations

from dataclasses import replace
from time import process_time

import numpy as np
import pytest

import mlx_impl.rates
from lyceum import corpus, personas
from lyceum.bench.alternate import alternate, ratio_interval
from lyceum.personas.aristotle.meta import Prudence
from lyceum.personas.model import optimizer
from lyceum.personas.model.optimizer import MEASURED, measured
from lyceum.personas.spec.plan import GROUPS
from parity.float64 import exact
from parity.project.tiny_models import tiny_corpus, tiny_plan
from parity.project.trainers import BACKENDS, make, run
from tests.support.assertions import same_state
from train_mps import FIXED

SYSTEMS = ("tokenize", "rope", "meta", "memory")


@pytest.fixture(scope="module")
def plan():
    return tiny_plan("aristotle", steps=60, systems=SYSTEMS)


def changed(plan, **fields):
    return replace(plan, recipe=replace(plan.recipe, **fields))


def rates(state: dict[str, np.ndarray]) -> dict[str, float]:
    return {group: float(state[f"optimizer.rate.{group}"]) for group in GROUPS}


def test_the_rule_by_hand():
    """<g, d> = 12 over |d| |g| = 3 * 5: a cosine of 0.8, at half the schedule's peak."""
    rule = Prudence(pace=0.5, widest=4.0)
    assert rule.follow(1.0, 12.0, 9.0, 25.0, 0.5) == (0.8,)
    assert rule.follow(1.0, -12.0, 9.0, 25.0, 0.5) == (1.2,)
    assert rule.follow(3.9, -12.0, 9.0, 25.0, 1.0) == (4.0,)
    assert rule.follow(0.3, 12.0, 9.0, 25.0, 1.0) == (0.25,)
    assert rule.follow(2.0, 0.0, 0.0, 25.0, 1.0) == rule.follow(2.0, 0.0, 9.0, 0.0, 1.0) == (2.0,)


def test_which_entries_are_measured():
    """All of most parameters, of big ones some rows, equally far apart."""
    assert measured(np.zeros((1024, 32))).shape == (1024, 32)
    assert np.array_equal(measured(np.arange(2 * MEASURED).reshape(-1, 2))[:3, 0], [0, 4, 8])
    assert measured(np.zeros((51_200, 32))).size <= MEASURED and measured(np.zeros(())).shape == ()


def test_every_parameter_is_of_one_group(plan):
    groups = plan.grouped(plan.initial(0))
    assert set(groups) == set(GROUPS)
    assert "blocks.0.mlp.up.weight" in groups["matrices"] and "norm.weight" in groups["vectors"]
    assert all(name.startswith("vocabulary.") for name in groups["tables"])
    for members in groups.values():
        assert len({plan.decays(value) for value in members.values()}) == 1


def test_without_it_nothing_is_added(plan):
    without = tiny_plan("aristotle", systems=tuple(name for name in SYSTEMS if name != "meta"))
    names = {name for backend in BACKENDS for name in make(backend, without, "float32").read()}
    assert not any("rate" in name or "origin" in name for name in names)
    assert len(optimizer.start(without, without.initial(0))) == len(without.initial(0))


def test_the_origin_follows_the_steps(plan):
    """d is the sum of the steps so far, each worth `habit` times the next."""
    plan = changed(plan, rates=Prudence(habit=0.5))
    name, way = "norm.weight", [plan.initial(0)["norm.weight"].astype(np.float64)]
    state = optimizer.start(plan, plan.initial(0))
    for step in range(1, 6):
        g = np.random.default_rng(step)
        drawn = {name: g.normal(size=p.shape) for name, p in plan.initial(0).items()}
        state = optimizer.update(state, drawn, step, 1e-3, plan)
        way.append(state[name][0])
    steps = np.diff(way[:-1], axis=0)
    expected = sum(0.5**s * step for s, step in enumerate(steps[::-1], 1))
    np.testing.assert_allclose(way[-2] - state[name][-1], expected, atol=1e-15)


@pytest.mark.parametrize("systems", [SYSTEMS, (*SYSTEMS, "muon")], ids=["adamw", "muon"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_hypergradient_is_the_slope_of_the_loss(backend, systems):
    """At step 2, for each group: what the trainer's h answered, against the losses for a step 1 longer and shorter."""
    plan = changed(tiny_plan("aristotle", systems=systems), clip_norm=1e9, warmup_steps=0)
    text, e = tiny_corpus(), 1e-3

    def second(group: str, factor: float):
        """(the loss at step 2, the states) if the first step moves one group by `factor` times as much."""
        with exact():
            trainer = make(backend, plan, "float64")
            states = [trainer.read()]
            trainer.write(states[0] | {f"optimizer.rate.{group}": np.array(factor)})
            losses = []
            for t in range(2):
                losses += [*run(trainer, plan, text, range(t, t + 1))]
                states.append(trainer.read())
        return losses[1], states

    b1 = plan.recipe.betas[0]
    for group, names in plan.grouped(plan.initial(0)).items():
        losses = [second(group, 1 + sign * e)[0] for sign in (1, -1)]
        slope = (losses[0] - losses[1]) / (2 * e)
        _, (before, moved, after) = second(group, 1.0)
        share = plan.recipe.learning_rate(1) / plan.recipe.peak_lr
        cosine = (1 - after[f"optimizer.rate.{group}"]) / (plan.recipe.rates.pace * share)
        momentum = plan.recipe.hidden.momentum if plan.is_hidden(*next(iter(names.items()))) else b1
        dd = gg = 0.0
        for name in names:
            m = [state[f"optimizer.m.{name}"] for state in (moved, after)]
            gg += (((m[1] - momentum * m[0]) / (1 - momentum)) ** 2).sum()
            dd += ((moved[f"model.{name}"] - before[f"model.{name}"]) ** 2).sum()
        assert cosine * np.sqrt(dd * gg) == pytest.approx(slope, rel=1e-5), group


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_factor_on_the_loss_changes_nothing(backend):
    """Bit for bit, for a power of two, with A7 for the matrices and AdamW without its eps."""
    plan = changed(tiny_plan("aristotle", systems=(*SYSTEMS, "muon")), clip_norm=1e9, eps=0.0)
    ends = []
    for factor in (1.0, 2.0**-12):
        trainer = make(backend, plan, "float32")
        for seed in range(4):
            g = np.random.default_rng(seed)
            drawn = {name: np.float32(factor * g.normal(size=p.shape)) for name, p in plan.initial(0).items()}
            trainer.apply(drawn, 1e-3)
        ends.append(trainer.read())
    compared = [{name: x for name, x in end.items() if name.startswith(("model.", "optimizer.rate"))} for end in ends]
    same_state(*compared)
    assert min(abs(rate - 1) for rate in rates(compared[0]).values()) > 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_is_resumed_bit_for_bit(plan, backend):
    text, at_once, first = tiny_corpus(), make(backend, plan, "float32"), make(backend, plan, "float32")
    losses = run(at_once, plan, text, range(8))
    run(first, plan, text, range(4))
    second = make(backend, plan, "float32", seed=7)
    second.write(first.read())
    same_state(first.read(), second.read())
    assert np.array_equal(run(second, plan, text, range(4, 8)), losses[4:])
    same_state(at_once.read(), second.read())


@pytest.mark.parametrize("more", ["", "muon", "grow"])
def test_a_run_goes_on_in_the_other_backend(more):
    """With other rules too; a block that waits has no gradient and does not move."""
    plan = tiny_plan("aristotle", steps=12, systems=[*SYSTEMS, *filter(None, [more])])
    text, trainers = tiny_corpus(), {backend: make(backend, plan, "float32") for backend in BACKENDS}
    for trainer in trainers.values():
        run(trainer, plan, text, range(6))
    goes_on = make("mlx", plan, "float32", seed=7)
    goes_on.write(trainers["torch"].read())
    same_state(trainers["torch"].read(), goes_on.read())
    np.testing.assert_allclose(*(run(t, plan, text, range(6, 12)) for t in (goes_on, trainers["mlx"])), rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_wrong_rate_is_mended(plan, backend):
    """Started at a tenth of the rate, it ends below the loss at the fixed one, and all its rates have grown."""
    low, text, ends = changed(plan, peak_lr=plan.recipe.peak_lr / 10, warmup_steps=0), tiny_corpus(), []
    for each in (low, changed(low, rates=None)):
        trainer = make(backend, each, "float32")
        ends.append(run(trainer, each, text, range(60))[-10:].mean())
        if each is low:
            assert min(rates(trainer.read()).values()) > 2
    assert ends[0] < ends[1] - 0.01


def test_mlx_traces_the_rule_once(plan, monkeypatch):
    traced, original = [], mlx_impl.rates.Rates.follow
    monkeypatch.setattr(mlx_impl.rates.Rates, "follow", lambda *args: (traced.append(1), original(*args))[1])
    run(make("mlx", plan, "float32"), plan, tiny_corpus(), range(4))
    assert len(traced) == 1


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_it_adds_to_a_step(backend):
    """At most 15%, at the contract's sizes; in processor time, which other work on the machine hardly moves."""
    text, candidates = corpus.load(), {}
    for name, systems in (("meta", SYSTEMS), ("default", None)):
        plan = personas.plan("aristotle", FIXED, text.train, systems=systems)
        trainer = BACKENDS[backend](plan, 0, "cpu")
        candidates[name] = lambda t, trainer=trainer, plan=plan: run(trainer, plan, text, range(t, t + 1))
    seconds = alternate(candidates, rounds=15, steps=9, clock=process_time)
    ratio, low, high = ratio_interval(seconds["meta"], seconds["default"])
    print(f"{backend}: {ratio:.3f} ({low:.3f} to {high:.3f})")
    assert ratio <= 1.15
