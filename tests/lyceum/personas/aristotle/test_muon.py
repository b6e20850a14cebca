"""Muon with a mask: which matrices follow it, the rule by hand, its state, and both backends as optimizers."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import mlx.core as mx
import numpy as np
import pytest
import torch

import mlx_impl.stacked
import torch_ref.stacked
from lyceum.personas.aristotle.muon import Muon, conclusion, newton_schulz
from lyceum.personas.model import optimizer
from mlx_impl.aristotle.muon import Muon as MlxMuon
from parity import check_optimizer
from parity.project.tiny_models import tiny_corpus, tiny_plan
from parity.project.trainers import BACKENDS, make, run
from torch_ref.aristotle.muon import Muon as TorchMuon

RULE = Muon(rate=3.0, momentum=0.9, weight_decay=0.5)


@pytest.fixture(scope="module")
def plan():
    return tiny_plan("aristotle", systems=("tokenize", "rope", "memory", "muon"))


def gradients(plan, seed: int = 0, scale: float = 1.0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {n: np.float32(scale * generator.normal(size=p.shape)) for n, p in plan.initial(0).items()}


def test_the_matrices_of_the_blocks_follow_it(plan):
    hidden = {name for name, value in plan.initial(0).items() if plan.is_hidden(name, value)}
    names = ("mixer.qkv.weight", "mixer.out.weight", "mlp.up.weight", "mlp.down.weight")
    assert hidden == {f"blocks.{i}.{name}" for i in range(2) for name in names}
    without = replace(plan, recipe=replace(plan.recipe, hidden=None))
    assert not any(without.is_hidden(name, value) for name, value in plan.initial(0).items())


def test_the_plan_describes_it(plan):
    described = json.loads(json.dumps(plan.describe()))["recipe"]["hidden"]
    rule = plan.recipe.hidden
    fields = asdict(rule) | {"quintic": list(rule.quintic)}
    assert described == {"class": "lyceum.personas.aristotle.muon.Muon", **fields}
    assert tiny_plan("aristotle").describe()["recipe"]["hidden"] is None


def test_newton_schulz_by_hand():
    """A diagonal matrix stays diagonal; the quintic acts on each entry, whatever the length of the matrix."""
    x = np.array([3.0, 4.0]) / 5
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    np.testing.assert_allclose(newton_schulz(1e-9 * np.diag([3.0, -4.0])), np.diag(x * [1, -1]), rtol=1e-13)
    assert not newton_schulz(np.zeros((2, 3))).any()


def test_the_conclusion_by_hand():
    """3 and 4 agree in sign and 12 does not: the norm of the rest, 5, grows to 13."""
    u, g = np.array([[3.0, 12.0, 4.0]]), np.array([[1e-30, -1e30, 5.0]])
    np.testing.assert_allclose(conclusion(u, g), np.array([[3.0, 0.0, 4.0]]) * 13 / 5, rtol=1e-15)
    assert not conclusion(u, -abs(g)).any() and not conclusion(u, 0 * g).any()


def test_the_rule_takes_arrays_and_tensors():
    w, m, g = np.random.default_rng(0).normal(size=(3, 5, 3))
    arrays = RULE.update(w, m, g, 0.1)
    tensors = RULE.update(*map(torch.from_numpy, (w, m, g)), 0.1)
    for a, b in zip(arrays, tensors, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-12)


def test_a_step_is_as_long_as_adams():
    """With the factor 0.2 sqrt(max): entries of about 0.2 lr, whatever the shape."""
    for shape in ((32, 32), (8, 64), (128, 16)):
        m = np.random.default_rng(0).normal(size=shape)
        moved, _ = Muon(weight_decay=0.0).update(np.zeros(shape), 0 * m, m, 1.0)
        assert 0.15 < np.sqrt((moved**2).mean()) < 0.25


def test_an_update_has_one_rule_for_each_parameter(plan):
    """Embeddings, head and gains change as without the rule; the blocks' matrices do not."""
    parameters, given = plan.initial(0), gradients(plan)
    after = {
        hidden: optimizer.update(optimizer.start(each, parameters), given, 1, 1e-2, each)
        for hidden, each in ((True, plan), (False, replace(plan, recipe=replace(plan.recipe, hidden=None))))
    }
    for name, value in parameters.items():
        same = np.array_equal(after[True][name][0], after[False][name][0])
        assert same != plan.is_hidden(name, value), name
        assert len(after[True][name]) == (2 if plan.is_hidden(name, value) else 3)


def test_both_backends_have_the_same_state_and_no_second_moment(plan):
    states = [make(backend, plan, "float32").read() for backend in BACKENDS]
    assert states[0].keys() == states[1].keys()
    for name, value in plan.initial(0).items():
        assert f"optimizer.m.{name}" in states[0]
        assert (f"optimizer.v.{name}" in states[0]) != plan.is_hidden(name, value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_zero_gradient_leaves_the_decay(backend, plan):
    """As on the first step of a model whose head starts at 0."""
    trainer, rule = make(backend, plan, "float64"), plan.recipe.hidden
    trainer.apply({name: np.zeros_like(p) for name, p in plan.initial(0).items()}, 1e-2)
    for name, value in plan.initial(0).items():
        if plan.is_hidden(name, value):
            factor = 1 - rule.rate * 1e-2 * rule.weight_decay
            np.testing.assert_allclose(trainer.read()[f"model.{name}"], factor * value.astype(np.float64), rtol=1e-15)


def test_mlx_traces_the_update_once(plan, monkeypatch):
    traced, original = [], mlx_impl.stacked.Stacked.apply_gradients
    spy = lambda *args: (traced.append(1), original(*args))[1]  # noqa: E731
    monkeypatch.setattr(mlx_impl.stacked.Stacked, "apply_gradients", spy)
    run(make("mlx", plan, "float32"), plan, tiny_corpus(), range(4))
    assert len(traced) == 1


def test_equal_shapes_are_stacked(plan):
    """Four shapes in two blocks: the rule is called four times a step."""
    trainer, shapes = make("torch", plan, "float32"), []
    rule = trainer.stacked.rule
    trainer.stacked.rule = lambda *args: (shapes.append(tuple(args[0].shape)), rule(*args))[1]
    trainer.apply(gradients(plan), 1e-2)
    assert sorted(shapes) == [(2, 16, 16), (2, 16, 64), (2, 48, 16), (2, 64, 16)]


@pytest.mark.parametrize("absent", [None, "nothing"])
def test_as_a_pair_of_optimizers(absent):
    """The check for any pair of optimizers, on gradients of all sizes, zeros included."""
    findings = check_optimizer(
        mlx=mlx_impl.stacked.Stacked(MlxMuon(**vars(RULE)), 1e-2),
        torch=lambda parameters: torch_ref.stacked.Stacked(parameters, TorchMuon(**vars(RULE)), 1e-2),
        name="muon",
        steps=12,
        shapes={"a": (6, 4), "b": (6, 4), "wide": (3, 8), "column": (5, 1)},
        absent=absent,
    )
    assert findings.ok, [verdict.sentence() for verdict in findings.failures][:3]
    assert {v.what for v in findings} >= {"a.m @12", "wide @1"} and not findings.limitations


def test_zero_matrices_in_a_stack():
    """Zero matrices of a stack give zero, and the others give what they give alone."""
    m = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    m[0] = 0
    for got in (
        TorchMuon(**vars(RULE)).orthogonal(torch.from_numpy(m)).numpy(),
        np.array(MlxMuon(**vars(RULE)).orthogonal(mx.array(m))),
    ):
        assert not got[0].any()
        np.testing.assert_allclose(got[1], newton_schulz(m[1].astype(np.float64)), atol=1e-5)
