"""A18, essence and accident: values by hand, the rows that are computed, and what it wraps."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

from lyceum import personas
from lyceum.personas.aristotle.equivariant import ComplexPerceptron
from lyceum.personas.aristotle.moe import PorphyryTree
from lyceum.personas.aristotle.sparse import SparseMLP
from lyceum.personas.aristotle.sparse.theorems import point
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.spec.errors import PersonaError
from parity.project import full_model, layers, step, trainers
from parity.project.tiny_models import compact, tiny_corpus, tiny_plan
from tests.support.assertions import all_passed

SPEC, BACKENDS = SparseMLP(8, MLP(8), target=0.5), ("torch", "mlx")


class Recorded:
    """An inner layer that writes down how many rows it is given."""

    def __init__(self, layer):
        self.layer, self.rows = layer, []

    def __call__(self, x):
        self.rows.append(x.size // 8 if isinstance(x, mx.array) else x.numel() // 8)
        return self.layer(x)


def recorded(backend: str, parameters: dict) -> tuple:
    """(a function of NumPy arrays: the layer in evaluation mode, the record of its inner layer)."""
    if backend == "torch":
        module = layers.torch_module(SPEC, parameters, torch.float32).eval()
        inner = Recorded(module.inner)
        del module.inner
        module.inner = inner
        return lambda x: module(torch.tensor(x, dtype=torch.float32)).detach().numpy(), inner
    module = layers.mlx_module(SPEC, parameters, mx.float32).eval()
    inner = Recorded(module.inner)
    del module["inner"]
    module.inner = inner
    return lambda x: np.array(module(mx.array(x, mx.float32))), inner


def test_a_gate_by_hand():
    """s(ln 3) = 3 / 4 and s(0) = 1 / 2, theta = 5 / 8: 2 (3/4 - 5/8) = 1/4, and nothing."""
    p = {"router.weight": np.array([[1.0]]), "router.bias": np.zeros(1), "theta": np.array([5 / 8])}
    gate = SparseMLP(1, MLP(1)).gate(p, np.array([[np.log(3)], [0.0]]))
    np.testing.assert_allclose(gate, [[0.25], [0.0]], rtol=1e-15)


def test_theta_by_hand():
    """Of 8 tokens 4 are the target: at 5 theta rises, at 4 it stays, at 3 it falls. A target of 1 stays at 0."""
    for passing, sign in ((5, 1), (4, 0), (3, -1)):
        theta = SPEC.rebalanced({"theta": np.array([0.25])}, np.array([passing, 8 - passing]))
        assert theta == 0.25 + sign * SPEC.rate
    assert SparseMLP(8, MLP(8), 1.0).rebalanced({"theta": np.zeros(1)}, np.array([8, 0])) == 0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("theta", [0.0, 0.5, 2.0])
def test_the_inner_layer_is_given_the_tokens_that_are_counted_alone(backend, theta):
    p, x = point(SPEC, np.random.default_rng(0), 3, 7, 8)
    p |= {"theta": np.array([theta])}
    layer, inner = recorded(backend, p)
    y, (passing, _) = layer(x), SPEC.load(p, x)
    assert inner.rows == ([passing] if passing else []) and (passing < 21 or theta == 0)
    np.testing.assert_allclose(y, SPEC.skipping(p, x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_trainer_skips_in_evaluation_and_not_in_training(backend, monkeypatch):
    plan = tiny_plan("aristotle", systems=(*personas.find("aristotle").default, "sparse"))
    trainer, skipped = trainers.make(backend, plan, "float32"), []
    layer = type(trainer.model.blocks[0].mlp)
    skipping = layer.skipping
    monkeypatch.setattr(layer, "skipping", lambda self, x: skipped.append(len(x)) or skipping(self, x))
    trainers.run(trainer, plan, tiny_corpus(), range(1))
    assert not skipped
    ids = np.array([[3, 1, 4]], np.int32)
    cache, _ = trainer.go_on(trainer.start(1), ids, 3)
    trainer.log_probs(ids, np.array([2]))
    assert len(skipped) == 2 * plan.fixed.n_layer
    trainers.run(trainer, plan, tiny_corpus(), range(1, 2))
    assert len(skipped) == 2 * plan.fixed.n_layer


@pytest.mark.parametrize("backend", BACKENDS)
def test_generation_is_the_text_at_once(backend):
    """With a theta that lets some tokens pass: token by token through the cache, and all at once."""
    plan = tiny_plan("aristotle", systems=("rope", "sparse"))
    trainer = trainers.make(backend, plan, "float32")
    thetas = {f"model.{name}": np.full(1, 0.5, np.float32) for name in plan.router_biases()}
    trainer.write(trainer.read() | thetas)
    ids, cache = np.arange(11, dtype=np.int32)[None], trainer.start(1)
    for n in range(1, 12):
        cache, log_probs = trainer.go_on(cache, ids[:, :n], 1)
        np.testing.assert_allclose(log_probs, trainer.log_probs(ids, np.array([n - 1])), atol=2e-5)


def test_the_perceptron_inside_begins_as_it_would_alone():
    alone = MLP(8).initial(np.random.default_rng(3), 4)
    wrapped = SPEC.initial(np.random.default_rng(3), 4)
    assert all(np.array_equal(wrapped[f"inner.{name}"], value) for name, value in alone.items())


def test_a_mixture_inside_keeps_its_router_biases():
    spec = SparseMLP(8, PorphyryTree(8, 2, 3))
    assert spec.router_biases == ("theta", "inner.beta")
    p, x = point(spec, np.random.default_rng(0), 40, 8)
    assert spec.updated_router_bias(p, x).keys() == set(spec.router_biases)
    assert 0 <= spec.margin(p, x) <= np.abs(spec.score(p, x) - p["theta"]).min()


@pytest.mark.parametrize("names", [("rope", "moe", "sparse"), ("rope", "norm", "sparse"), ("equivariant", "sparse")])
def test_it_wraps_what_the_composition_has(names):
    plan = tiny_plan("aristotle", systems=names)
    bare = tiny_plan("aristotle", systems=names[:-1])
    assert plan.modules["mlp"] == SparseMLP(plan.fixed.n_embd, bare.modules["mlp"])
    all_passed(full_model.check(compact(plan)))
    all_passed(step.check(compact(plan)))


def test_a_composition_takes_it():
    assert isinstance(tiny_plan("aristotle", systems=("equivariant", "sparse")).modules["mlp"].inner, ComplexPerceptron)


@pytest.mark.parametrize("target", [0.0, 0.3, 1.5, -0.5])
def test_a_target_that_is_no_share_is_one_sentence(target):
    with pytest.raises(PersonaError, match="choose a share of tokens from 1/256 to 1"):
        SparseMLP(8, MLP(8), target)
