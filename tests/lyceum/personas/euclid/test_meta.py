"""E13, distance: the rule by hand, the authors' package, the peak that has no effect, resumed runs, a wrong rate."""

from __future__ import annotations

from dataclasses import replace
from time import process_time

import numpy as np
import pytest
import torch

from lyceum import corpus, personas
from lyceum.bench.alternate import alternate, ratio_interval
from lyceum.personas.euclid.meta import Distance
from lyceum.personas.spec.plan import GROUPS
from parity.project.tiny_models import tiny_corpus, tiny_plan
from parity.project.trainers import BACKENDS, make, run
from tests.support.assertions import same_state
from train_mps import FIXED

SYSTEMS = ("tokenize", "rope", "norm", "ssm", "meta", "memory")


@pytest.fixture(scope="module")
def plan():
    return tiny_plan("euclid", steps=60, systems=SYSTEMS)


def changed(plan, **fields):
    return replace(plan, recipe=replace(plan.recipe, **fields))


def test_the_rule_by_hand():
    """Two entries: first |w_0| = 5 / 10, then the gradient (0, 2), then (0, 1) after a way of (3, 4) / 5."""
    rule = Distance(first=0.1, memory=0.75)
    begun = rule.fresh(25.0, 2)
    assert begun == {"rate": 0, "distance": 0.5, "total": 0, "mean": 0, "count": 2}
    one = rule.follow(*begun.values(), 0.0, 0.0, 4.0, 0.1)
    assert one == pytest.approx((0.5 * (4 / (0.04 * 2)) ** 0.5, 0.5, 0.04, 4, 2))
    two = rule.follow(*one, 0.8, 1.0, 1.0, 0.2)
    assert two == pytest.approx((1 * (3.25 / (0.08 * 2)) ** 0.5, 1, 0.08, 3.25, 2))
    assert rule.follow(*two, 0.0, 0.01, 1.0, 0.2)[1] == 1


def test_weights_that_begin_at_0_begin_at_the_share_of_1():
    assert Distance(first=0.1).fresh(0.0, 2)["distance"] == 0.1


def test_its_steps_are_those_of_the_authors_package():
    """On a sum of moduli, which no one step size suits: 200 steps, in float64."""
    dog = pytest.importorskip("dog", reason="pip install dog-optimizer")
    g = np.random.default_rng(0)
    a, x, start = g.normal(size=(12, 6)), g.normal(size=6), 5 * g.normal(size=6)
    rule, w, length = Distance(), start.copy(), np.linalg.norm(start)
    state = (*rule.fresh(length**2, 6).values(),)
    theirs = torch.nn.Parameter(torch.tensor(start))
    optimizer = dog.DoG([theirs], reps_rel=rule.first * length / (1 + length), eps=1e-20)
    ways = []
    for _ in range(200):
        slope = a.T @ np.sign(a @ (w - x))
        state = rule.follow(*state, 0.0, ((w - start) ** 2).sum(), (slope**2).sum(), 1.0)
        w = w - state[0] * slope / (state[3] / 6) ** 0.5
        theirs.grad = torch.tensor(a.T @ np.sign(a @ (theirs.detach().numpy() - x)))
        optimizer.step()
        ways.append((w, theirs.detach().numpy().copy()))
    np.testing.assert_allclose(*zip(*ways, strict=True), rtol=1e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_peak_and_a_factor_on_the_loss_change_nothing(backend, plan):
    """Bit for bit, for powers of two, with AdamW without its eps: all that the schedule gives is its form."""
    plan, ends = changed(plan, clip_norm=1e9, eps=0.0), []
    for factor in (1.0, 2.0**-12):
        other = changed(plan, peak_lr=plan.recipe.peak_lr * factor)
        trainer = make(backend, other, "float32")
        for seed in range(4):
            g = np.random.default_rng(seed)
            drawn = {name: np.float32(factor * g.normal(size=p.shape)) for name, p in plan.initial(0).items()}
            trainer.apply(drawn, other.recipe.learning_rate(seed))
        ends.append(trainer.read())
    compared = [{name: x for name, x in end.items() if name.startswith(("model.", "optimizer.rate"))} for end in ends]
    same_state(*compared)
    assert min(float(compared[0][f"optimizer.rate.{group}"]) for group in GROUPS) > 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_is_resumed_bit_for_bit_and_goes_on_in_the_other_backend(plan, backend):
    text, at_once, first = tiny_corpus(), make(backend, plan, "float32"), make(backend, plan, "float32")
    losses = run(at_once, plan, text, range(8))
    run(first, plan, text, range(4))
    for name in BACKENDS:
        rest = make(name, plan, "float32", seed=7)
        rest.write(first.read())
        same_state(first.read(), rest.read())
        more = run(rest, plan, text, range(4, 8))
        np.testing.assert_allclose(more, losses[4:], rtol=0 if name == backend else 1e-5)
        if name == backend:
            same_state(at_once.read(), rest.read())


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_it_adds_to_a_step(backend):
    """At most 15%, at the contract's sizes; in processor time, which other work on the machine hardly moves."""
    text, candidates = corpus.load(), {}
    for name, systems in (("meta", SYSTEMS), ("default", None)):
        plan = personas.plan("euclid", FIXED, text.train, systems=systems)
        trainer = BACKENDS[backend](plan, 0, "cpu")
        candidates[name] = lambda t, trainer=trainer, plan=plan: run(trainer, plan, text, range(t, t + 1))
    seconds = alternate(candidates, rounds=15, steps=9, clock=process_time)
    ratio, low, high = ratio_interval(seconds["meta"], seconds["default"])
    print(f"{backend}: {ratio:.3f} ({low:.3f} to {high:.3f})")
    assert ratio <= 1.15
