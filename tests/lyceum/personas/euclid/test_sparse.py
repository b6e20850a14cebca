"""E18, the nearest k entries: values by hand, which rows are read, what it wraps and what is refused."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

from lyceum import personas
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.euclid.norm import ChordPerceptron
from lyceum.personas.euclid.sparse import GATED, SparsePerceptron
from lyceum.personas.euclid.sparse.theorems import clear
from lyceum.personas.euclid.superpose import EquiangularPerceptron
from lyceum.personas.euclid.superpose.theorems import given
from lyceum.personas.spec.errors import PersonaError
from parity.project import full_model, layers, step, trainers
from parity.project.tiny_models import compact, tiny_plan
from tests.support.assertions import all_passed

BACKENDS = ("torch", "mlx")


def test_a_projection_by_hand():
    """Of 3, -5, 5, 0 and 3 three entries remain: both fives, and the first three."""
    spec = SparsePerceptron(ChordPerceptron(2, 5), 3)
    h = np.array([3.0, -5, 5, 0, 3])
    assert spec.project({}, h).tolist() == [3, -5, 5, 0, 0]
    assert SparsePerceptron(ChordPerceptron(2, 5), 1).project({}, h).tolist() == [0, -5, 0, 0, 0]


def test_gaps_by_hand():
    """Moduli 4, 3, 1, 0, k = 2: the gap of 2 is twice the mean distance 4/4. Zeros beyond the edge are no tie."""
    spec = SparsePerceptron(ChordPerceptron(2, 4), 2)
    assert spec.gaps(np.array([[1.0, -4, 3, 0], [0, 5, 0, 0]])).tolist() == [2, np.inf]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("tokens", "by_rows"), [(1, True), (2, True), (3, False)])
def test_a_few_tokens_are_computed_by_rows_in_evaluation(backend, tokens, by_rows, monkeypatch):
    """12 rows, 4 a token: two tokens read 8, three as many as there are."""
    x, p = clear(GATED, tokens, 8)(np.random.default_rng(0))[0], given(GATED)
    if backend == "torch":
        module, array = layers.torch_module(GATED, p, torch.float32), torch.tensor(x, dtype=torch.float32)
    else:
        module, array = layers.mlx_module(GATED, p, mx.float32), mx.array(x, mx.float32)
    called, original = [], type(module).by_rows
    monkeypatch.setattr(type(module), "by_rows", lambda self, x: called.append(1) or original(self, x))
    module.train()(array)
    assert not called
    y = module.eval()(array)
    assert bool(called) is by_rows
    got = y.detach().numpy() if backend == "torch" else np.array(y)
    np.testing.assert_allclose(got, GATED(p, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_generation_is_the_text_at_once(backend):
    """Token by token, by rows; and all at once, by the full product."""
    plan = tiny_plan("euclid", systems=personas.compose("euclid", ["sparse"], ["memory", "tokenize"]))
    assert plan.modules["mlp"] == SparsePerceptron(ChordPerceptron(16, 42), 8)
    trainer = trainers.make(backend, plan, "float32")
    ids, cache = np.arange(11, dtype=np.int32)[None], trainer.start(1)
    for n in range(1, 12):
        cache, log_probs = trainer.go_on(cache, ids[:, :n], 1)
        np.testing.assert_allclose(log_probs, trainer.log_probs(ids, np.array([n - 1])), atol=2e-5)


@pytest.mark.parametrize(
    ("names", "inner"),
    [
        (("rope", "sparse"), MLP(16)),
        (("rope", "superpose", "sparse"), EquiangularPerceptron(16)),
        (("rope", "norm", "sparse"), ChordPerceptron(16, 42)),
    ],
)
def test_it_wraps_what_the_composition_has(names, inner):
    assert tiny_plan("euclid", systems=names).modules["mlp"] == SparsePerceptron(inner, 8)


@pytest.mark.slow
@pytest.mark.parametrize("names", [("rope", "sparse"), ("rope", "superpose", "sparse")])
def test_compositions_that_are_no_single_change(names):
    plan = tiny_plan("euclid", systems=names)
    all_passed(full_model.check(compact(plan)))
    all_passed(step.check(compact(plan)))


def test_the_perceptron_inside_begins_as_it_would_alone():
    alone = ChordPerceptron(8, 12).initial(np.random.default_rng(3), 4)
    wrapped = GATED.initial(np.random.default_rng(3), 4)
    assert all(np.array_equal(wrapped[f"inner.{name}"], value) for name, value in alone.items())


@pytest.mark.parametrize("k", [0, 13])
def test_an_impossible_k_is_one_sentence(k):
    with pytest.raises(PersonaError, match="choose 1 to 12 entries of the hidden vector"):
        SparsePerceptron(ChordPerceptron(8, 12), k)


@pytest.mark.parametrize("other", ["moe", "equivariant"])
def test_what_has_no_hidden_vector_is_refused(other):
    with pytest.raises(PersonaError, match=f"'{other}' and 'sparse' exclude each other"):
        personas.compose("euclid", ["sparse", other])
