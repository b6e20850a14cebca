"""Decisions near G = 0: followed where rounding may take them, counted, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from parity.bounds.decisions import CLEAR, Decisions, Watch, decisions, divergences, reversing
from parity.project import step
from parity.project.full_model import drawn
from parity.project.tiny_models import tiny_plan, trained_plans
from parity.project.trainers import make
from tests.support.assertions import all_passed

NAME = "blocks.0.mixer.out.weight"


@pytest.fixture(scope="module")
def plan():
    trained = trained_plans()["aristotle with muon"]
    return replace(trained, fixed=replace(trained.fixed, n_layer=1, batch_size=2))


def test_what_cancels_is_near(plan):
    """1 + x - 1 is known to 1e-7, so 1e-9 may have either sign in float32, and 1e-3 may not; in float64 neither may."""

    def gradients():
        return {NAME: torch.tensor([[1e-9, 1e-3, 0.0], [1.0, -1e-9, -1.0]]).double() + 1 - 1}

    step_decisions = decisions(plan, gradients)
    assert step_decisions.near["float32"][NAME].tolist() == [[True, False, False], [False, True, False]]
    assert step_decisions.near["float64"] == {}
    given = {NAME: torch.tensor([[-5e-9, 1e-3, 0.0], [1.0, -3e-9, -1.0]]).double()}
    fixed = step_decisions.fixed(given, {})[NAME]
    assert torch.equal(fixed.sign(), step_decisions.gradients[NAME].sign())
    assert torch.equal(fixed.abs(), given[NAME].abs())


def test_a_plan_without_a_mask_has_none():
    none = decisions(tiny_plan("aristotle"), lambda: pytest.fail("no gradient is asked for"))
    assert none.near == {"float32": {}, "float64": {}} and none.fixed({"a": 1}, {}) == {"a": 1}


@pytest.fixture(scope="module")
def reversed_(plan):
    """(the one decision taken to be near, the reference's step with it reversed)."""
    batch, rate = drawn(plan, 0), plan.recipe.peak_lr / 2
    _, exact = step.gradients(plan, batch)
    size = exact[NAME].abs()
    one = {NAME: size == size.min()}
    taken = Decisions({NAME: exact[NAME]}, dict.fromkeys(("float32", "float64"), one))
    outcome = step.defined(plan, batch, rate, taken, one)
    return taken, {name: x.numpy() for name, x in outcome.items()}


def checked(plan, monkeypatch, taken: Decisions, outcome: dict) -> list:
    monkeypatch.setattr(step, "decisions", lambda *_: taken)
    monkeypatch.setattr(step, "stepped", lambda *_: outcome)
    return list(step.check(plan))


def test_a_near_decision_is_followed_and_counted(plan, reversed_, monkeypatch):
    verdicts = all_passed(checked(plan, monkeypatch, *reversed_))
    words = {v.derivation.partition("; ")[2] for v in verdicts if v.what == f"model.{NAME}"}
    assert words == {"of 1 decisions near G = 0, 1 went the other way and were followed"}
    assert not any(";" in v.derivation for v in verdicts if v.what != f"model.{NAME}")


def test_another_decision_fails(plan, reversed_, monkeypatch):
    """And so is the gradient that it was taken by, in the momentum."""
    none = Decisions({}, {"float32": {}, "float64": {}})
    failures = [v for v in checked(plan, monkeypatch, none, reversed_[1]) if not v.ok]
    assert {v.what for v in failures} == {f"model.{NAME}", f"optimizer.m.{NAME}"}
    assert len({v.variant for v in failures}) == 4


def test_a_near_decision_excuses_nothing_else(plan, reversed_, monkeypatch):
    taken, outcome = reversed_
    moved = outcome[f"model.{NAME}"].copy()
    moved[0, 0] += 1e-5
    failures = [v for v in checked(plan, monkeypatch, taken, outcome | {f"model.{NAME}": moved}) if not v.ok]
    assert {v.what for v in failures} == {f"model.{NAME}"}


def trainer(weights: list[float]) -> SimpleNamespace:
    state = {f"model.{NAME}": np.float32([weights]), "model.norm.weight": np.ones(2, np.float32)}
    return SimpleNamespace(read=lambda: state)


def test_divergences_are_counted(plan):
    """Of three weights the first moves in one run only, the second by nothing but decay, the third by too little."""
    lr, rule = 1e-2, plan.recipe.hidden
    remaining = 1 - rule.rate * lr * rule.weight_decay
    one, other = Watch(plan, trainer([1.0, 1.0, 1.0])), Watch(plan, trainer([1.0, 1.0, 1.0]))
    one(trainer([remaining + 0.2 * rule.rate * lr, remaining, remaining + 1.5 * CLEAR * rule.rate * lr]), lr)
    other(trainer([remaining, remaining, remaining]), lr)
    assert divergences(one, other) == (1, 0)
    assert divergences(one, one) == (0, None)
    again = one.continued(1, trainer([2.0, 2.0, 2.0]))
    again(trainer([2 * remaining] * 3), lr)
    assert len(again.taken) == 2 and not again.taken[1].any() and len(one.taken) == 1


def test_a_reversal_changes_one_sign_at_one_step(plan):
    trainer, seen = reversing(make("torch", plan, "float64"), plan), []
    p = trainer.named[NAME]
    given = torch.arange(p.numel(), dtype=torch.float64).view_as(p)
    for _ in range(3):
        trainer.model.zero_grad()
        (p * given).sum().backward()
        seen.append(p.grad.clone())
    assert torch.equal(seen[0], given) and torch.equal(seen[2], given)
    assert (seen[1] != given).sum() == 1 and seen[1].flatten()[1] == -1
