"""E17, vertices, edges, faces: values by hand, another library's complexes, the gradient, the step."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

from lyceum import personas
from lyceum.personas.euclid.topology import SPEC, Characteristic
from lyceum.personas.euclid.topology.theorems import band
from lyceum.personas.spec.system import changes
from parity.project import trainers
from parity.project.layers import evaluator, mlx_module, torch_module
from parity.project.tiny_models import tiny_corpus, tiny_plan
from tests.support.assertions import same_state

BACKENDS = ("reference", "torch", "mlx")
# A square of side 1 and its centre: squared distances 1, 2 and 1/2, whose mean is 1.
SQUARE = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0.5]])


def counted(backend: str, spec: Characteristic, vectors: np.ndarray, ids=None) -> list[float]:
    ids = np.arange(len(vectors), dtype=np.int32) if ids is None else np.array(ids, np.int32)
    return evaluator(backend, "float32")(spec, {}, "counts", vectors, ids).tolist()


@pytest.mark.parametrize("backend", BACKENDS)
def test_counts_by_hand(backend):
    """The four rays from the centre; with the sides also four triangles; with all, ten of each."""
    for share, expected in ((0.75, [5, 4, 0]), (1.5, [5, 8, 4]), (2.5, [5, 10, 10]), (0.25, [5, 0, 0])):
        assert counted(backend, Characteristic(share=share, width=0.1), SQUARE) == expected
    # Half-way: t = 1/2 for the sides, so each is half an edge, and each triangle half a face.
    assert counted(backend, Characteristic(share=1.0, width=0.5), SQUARE) == [5, 6, 2]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_id_counts_once(backend):
    doubled, spec = SQUARE[[0, 1, 0, 2, 3, 4, 4]], Characteristic(share=1.5, width=0.1)
    assert counted(backend, spec, doubled, [7, 3, 7, 5, 2, 9, 9]) == [5, 8, 4]
    assert counted(backend, spec, SQUARE[:1]) == [1, 0, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_penalty_by_hand(backend):
    """Four corners joined to the centre alone are one piece, no penalty; five pieces: (4/5)^2."""
    ids, vectors = np.array([[0, 1, 1, 2, 2, 3, 3, 4, 4]], np.int32), SQUARE[None]
    for share, expected in ((0.75, 0.0), (0.25, 0.5 * 0.64)):
        spec = Characteristic(every=2, share=share, width=0.1)
        added = evaluator(backend, "float32")(spec, {}, "losses", vectors, ids, ids, np.array(0.5))
        np.testing.assert_allclose(added, np.full((1, 9), expected), rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_counts_are_those_of_a_library_of_complexes(backend):
    gudhi = pytest.importorskip("gudhi", reason="gudhi is not installed: pip install gudhi")
    for seed in range(3):
        vectors = np.random.default_rng(seed).normal(size=(20, 3)).astype(np.float32).astype(float)
        limit, share, width = band(vectors)
        distances = np.sqrt(((vectors[:, None] - vectors) ** 2).sum(-1))
        rips = gudhi.RipsComplex(distance_matrix=distances, max_edge_length=limit**0.5)
        tree = rips.create_simplex_tree(max_dimension=2)
        sizes = [len(simplex) for simplex, _ in tree.get_simplices()]
        expected = np.bincount(sizes, minlength=4)[1:]
        assert counted(backend, Characteristic(share=share, width=width), vectors) == expected.tolist()


def test_the_gradient_is_that_of_finite_differences():
    vectors, ids = np.random.default_rng(1).normal(size=(8, 3)), np.arange(8, dtype=np.int32)
    expected = np.zeros((3, *vectors.shape))
    for i in np.ndindex(vectors.shape):
        move = np.zeros_like(vectors)
        move[i] = 1e-6
        expected[(..., *i)] = (SPEC.counts({}, vectors + move, ids) - SPEC.counts({}, vectors - move, ids)) / 2e-6
    module, x = torch_module(SPEC, {}, torch.float64), torch.tensor(vectors)
    jacobian = torch.autograd.functional.jacobian(lambda x: module.counts(x, torch.tensor(ids)), x)
    np.testing.assert_allclose(jacobian.numpy(), expected, atol=1e-7)
    module, x = mlx_module(SPEC, {}, mx.float32), mx.array(vectors, mx.float32)
    for k in range(3):
        slope = mx.grad(lambda x, k=k: module.counts(x, mx.array(ids))[k])(x)
        np.testing.assert_allclose(np.array(slope), expected[k], atol=1e-4)


def penalty(state: dict[str, np.ndarray], plan) -> float:
    """The mean of ((V - E + F - 1) / V)^2 over 50 samples of 8 tokens of the text, as many as a tiny batch takes."""
    spec, p = plan.modules["regulariser"], {"embedding": state["model.vocabulary.embedding"].astype(float)}
    ids = np.random.default_rng(0).choice(tiny_corpus().train, (50, 8)).astype(np.int32)
    vectors = plan.modules["vocabulary"].embed(p, ids)
    counts = np.array([spec.counts({}, *sample) for sample in zip(vectors, ids, strict=True)])
    return (((counts @ [1, -1, 1] - 1) / counts[:, 0]) ** 2).mean()


@pytest.mark.parametrize("backend", ["torch", pytest.param("mlx", marks=pytest.mark.slow)])
def test_training_draws_the_characteristic_to_one(backend):
    """Of samples as large as a batch's; beside the same run without it."""
    chosen, states = changes(personas.find("euclid"))["topology"], []
    for systems in (chosen, tuple(name for name in chosen if name != "topology")):
        plan = tiny_plan("euclid", steps=40, systems=systems)
        trainer = trainers.make(backend, plan, "float32")
        trainers.run(trainer, plan, tiny_corpus(), range(40))
        states.append(trainer.read())
    with_it, without = (penalty(state, tiny_plan("euclid", systems=chosen)) for state in states)
    assert with_it < without


@pytest.mark.slow
@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_a_run_is_continued_bit_for_bit(backend):
    plan = tiny_plan("euclid", steps=20, systems=changes(personas.find("euclid"))["topology"])
    uninterrupted, part, rest = (trainers.make(backend, plan, "float32") for _ in range(3))
    trainers.run(uninterrupted, plan, tiny_corpus(), range(8))
    trainers.run(part, plan, tiny_corpus(), range(5))
    rest.write(part.read())
    trainers.run(rest, plan, tiny_corpus(), range(5, 8))
    same_state(uninterrupted.read(), rest.read())
