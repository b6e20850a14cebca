"""A7 as an optimizer: which matrices follow it, its definition by hand, its state, and a run resumed bit for bit."""

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
from parity.project.tiny_models import tiny_corpus, tiny_plan, trained_plans
from parity.project.trainers import BACKENDS, make, run
from torch_ref.aristotle.muon import Muon as TorchMuon

SETTINGS = dict(rate=3.0, momentum=0.9, weight_decay=0.5)


@pytest.fixture(scope="module")
def plan():
    return trained_plans()["aristotle with muon"]


def gradients(plan, seed: int = 0, scale: float = 1.0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {n: np.float32(scale * generator.normal(size=p.shape)) for n, p in plan.initial(0).items()}


def test_the_matrices_of_the_blocks_follow_it(plan):
    hidden = {name for name, value in plan.initial(0).items() if plan.is_hidden(name, value)}
    places = ("mixer.qkv.weight", "mixer.out.weight", "mlp.up.weight", "mlp.down.weight")
    assert hidden == {f"blocks.{i}.{place}" for i in range(2) for place in places}
    without = replace(plan, recipe=replace(plan.recipe, hidden=None))
    assert not any(without.is_hidden(name, value) for name, value in plan.initial(0).items())


def test_the_plan_says_so(plan):
    described = json.loads(json.dumps(plan.describe()))["recipe"]["hidden"]
    assert described == {"rule": "lyceum.personas.aristotle.muon.Muon", **asdict(plan.recipe.hidden)}
    assert tiny_plan("aristotle").describe()["recipe"]["hidden"] is None


def test_newton_schulz_by_hand():
    """A diagonal matrix stays one; each entry takes the quintic's way by itself, whatever its length was."""
    x = np.array([3.0, 4.0]) / 5
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    np.testing.assert_allclose(newton_schulz(1e-9 * np.diag([3.0, -4.0])), np.diag(x * [1, -1]), rtol=1e-13)
    assert not newton_schulz(np.zeros((2, 3))).any()


def test_the_conclusion_by_hand():
    """3 and 4 agree and 12 does not: what is left, 5, grows to 13."""
    u, g = np.array([[3.0, 12.0, 4.0]]), np.array([[1e-30, -1e30, 5.0]])
    np.testing.assert_allclose(conclusion(u, g), np.array([[3.0, 0.0, 4.0]]) * 13 / 5, rtol=1e-15)
    assert not conclusion(u, -abs(g)).any() and not conclusion(u, 0 * g).any()


def test_arrays_and_tensors_go_through_the_same_lines():
    w, m, g = np.random.default_rng(0).normal(size=(3, 5, 3))
    arrays = Muon(**SETTINGS).update(w, m, g, 0.1)
    tensors = Muon(**SETTINGS).update(*map(torch.from_numpy, (w, m, g)), 0.1)
    for a, b in zip(arrays, tensors, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-12)


def test_a_step_is_as_long_as_adams():
    """With the factor 0.2 sqrt(max): entries of about 0.2 lr, whatever the shape."""
    for shape in ((32, 32), (8, 64), (128, 16)):
        m = np.random.default_rng(0).normal(size=shape)
        moved, _ = Muon(weight_decay=0.0).update(np.zeros(shape), 0 * m, m, 1.0)
        assert 0.15 < np.sqrt((moved**2).mean()) < 0.25


def test_the_whole_update_has_one_rule_for_each(plan):
    """Embeddings, head and gains move as without A7; the blocks' matrices do not."""
    parameters, given = plan.initial(0), gradients(plan)
    after = {
        hidden: optimizer.update(optimizer.start(own, parameters), given, 1, 1e-2, own)
        for hidden, own in ((True, plan), (False, replace(plan, recipe=replace(plan.recipe, hidden=None))))
    }
    for name, value in parameters.items():
        same = np.array_equal(after[True][name][0], after[False][name][0])
        assert same != plan.is_hidden(name, value), name
        assert len(after[True][name]) == (2 if plan.is_hidden(name, value) else 3)


def test_both_backends_keep_the_same_state_and_no_second_moment(plan):
    states = [make(backend, plan, "float32").read() for backend in BACKENDS]
    assert states[0].keys() == states[1].keys()
    for name, value in plan.initial(0).items():
        assert f"optimizer.m.{name}" in states[0]
        assert (f"optimizer.v.{name}" in states[0]) != plan.is_hidden(name, value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_gradient_leaves_the_decay(backend, plan):
    """As on the very first step of a model whose head starts at 0."""
    trainer, rule = make(backend, plan, "float64"), plan.recipe.hidden
    trainer.apply({name: np.zeros_like(p) for name, p in plan.initial(0).items()}, 1e-2)
    for name, value in plan.initial(0).items():
        if plan.is_hidden(name, value):
            kept = 1 - rule.rate * 1e-2 * rule.weight_decay
            np.testing.assert_allclose(trainer.read()[f"model.{name}"], kept * value.astype(np.float64), rtol=1e-15)


def test_mlx_traces_the_update_once(plan, monkeypatch):
    traced, own = [], mlx_impl.stacked.Stacked.apply_gradients
    monkeypatch.setattr(mlx_impl.stacked.Stacked, "apply_gradients", lambda *args: (traced.append(1), own(*args))[1])
    run(make("mlx", plan, "float32"), plan, tiny_corpus(), range(4))
    assert len(traced) == 1


def test_equal_shapes_go_together(plan):
    """Four shapes in two blocks: the rule is called four times a step."""
    trainer, shapes = make("torch", plan, "float32"), []
    rule = trainer.stacked.rule
    trainer.stacked.rule = lambda *args: (shapes.append(tuple(args[0].shape)), rule(*args))[1]
    trainer.apply(gradients(plan), 1e-2)
    assert sorted(shapes) == [(2, 16, 16), (2, 16, 64), (2, 48, 16), (2, 64, 16)]


@pytest.mark.parametrize("absent", [None, "nothing"])
def test_as_optimizers_of_their_own(absent):
    """The pair under the check that any pair of optimizers can be put to: a course of all sizes, zeros included."""
    found = check_optimizer(
        mlx=mlx_impl.stacked.Stacked(MlxMuon(**SETTINGS), 1e-2),
        torch=lambda parameters: torch_ref.stacked.Stacked(parameters, TorchMuon(**SETTINGS), 1e-2),
        name="A7",
        steps=12,
        shapes={"a": (6, 4), "b": (6, 4), "wide": (3, 8), "column": (5, 1)},
        absent=absent,
    )
    assert found.ok, [verdict.sentence() for verdict in found.failures][:3]
    assert {v.what for v in found} >= {"a.m @12", "wide @1"} and not found.limitations


def test_the_backends_set_no_trap_for_zeros():
    """Half of a stack without a gradient: its matrices stand still, and the others are as if alone."""
    m = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    m[0] = 0
    for got in (
        TorchMuon(**SETTINGS).orthogonal(torch.from_numpy(m)).numpy(),
        np.array(MlxMuon(**SETTINGS).orthogonal(mx.array(m))),
    ):
        assert not got[0].any()
        np.testing.assert_allclose(got[1], newton_schulz(m[1].astype(np.float64)), atol=1e-5)
