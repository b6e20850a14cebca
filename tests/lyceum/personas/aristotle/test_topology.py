"""A17, one genus, one component: values by hand, a persistent-homology library's deaths, the gradient, the step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ripser import ripser

from lyceum import personas
from lyceum.personas.aristotle.topology import GROUP, SPEC, OneComponent
from lyceum.personas.spec.system import changes
from parity.project import trainers
from parity.project.layers import evaluator, torch_module
from parity.project.tiny_models import tiny_corpus, tiny_plan
from tests.support.assertions import same_state

BACKENDS = ("reference", "torch", "mlx")


@pytest.mark.parametrize("backend", BACKENDS)
def test_deaths_by_hand(backend):
    """Vectors 0, 1, 3 and 7 of a line: gaps of 1, 2 and 4."""
    vectors = np.array([[0.0], [7.0], [1.0], [3.0]])
    deaths = evaluator(backend, "float32")(SPEC, {}, "deaths", vectors, np.arange(4, dtype=np.int32))
    assert deaths.tolist() == [[0, 0, 1, 0], [0, 0, 0, 4], [0, 0, 0, 2], [0, 0, 0, 0]]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_penalty_by_hand(backend):
    """Species 0, 1 of one genus at 0 and 1, species 5 of the next at 9: log(1 / 8)."""
    ids = np.array([[0, 0, 3, 0, 15, 0]], np.int32)
    vectors = np.array([[[0.0], [1.0], [9.0]]])
    added = evaluator(backend, "float32")(SPEC, {}, "losses", vectors, ids, ids, np.array(0.5))
    np.testing.assert_allclose(added, np.full((1, 6), 0.5 * np.log(1 / 8)), rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_species_of_one_genus_alone_have_no_penalty(backend):
    ids = np.array([[0, 0, 3, 0]], np.int32)
    added = evaluator(backend, "float32")(SPEC, {}, "losses", np.array([[[0.0], [1.0]]]), ids, ids, np.array(0.5))
    assert added.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_deaths_are_those_of_a_persistent_homology_library(backend):
    vectors = np.random.default_rng(17).normal(size=(15, 6)).astype(np.float32).astype(np.float64)
    deaths = evaluator(backend, "float32")(SPEC, {}, "deaths", vectors, np.arange(15, dtype=np.int32))
    diagram = ripser(vectors, maxdim=0)["dgms"][0]
    np.testing.assert_allclose(np.sort(deaths[deaths > 0]), np.sort(diagram[:-1, 1]), rtol=1e-6)


def test_the_gradient_is_that_of_the_edges():
    """Each edge pulls its ends along itself: the sum of the deaths has unit vectors for a gradient."""
    vectors, group = np.random.default_rng(1).normal(size=(9, 4)), np.arange(9, dtype=np.int32)
    tree = SPEC.deaths({}, vectors, group)
    expected = np.zeros_like(vectors)
    for i, j in zip(*np.nonzero(tree), strict=True):
        along = (vectors[i] - vectors[j]) / tree[i, j]
        expected[i] += along
        expected[j] -= along
    x = torch.tensor(vectors, requires_grad=True)
    [gradient] = torch.autograd.grad(torch_module(SPEC, {}, torch.float64).deaths(x, torch.tensor(group)).sum(), x)
    assert (tree > 0).sum() == 8
    np.testing.assert_allclose(gradient.numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_training_draws_the_species_of_a_genus_together(backend):
    """Beside the same run without it: the mean within a genus falls, relative to the mean between genera."""
    chosen = changes(personas.find("aristotle"))["topology"]
    ratios = []
    for systems in (chosen, tuple(name for name in chosen if name != "topology")):
        plan = tiny_plan("aristotle", steps=60, systems=systems)
        trainer = trainers.make(backend, plan, "float32")
        trainers.run(trainer, plan, tiny_corpus(), range(60))
        tree, state = plan.modules["vocabulary"], trainer.read()
        vectors = state["model.vocabulary.embed_species"] + np.repeat(
            state["model.vocabulary.embed_genus"], tree.shape[1], axis=0
        )
        group = np.arange(len(vectors), dtype=np.int32)
        deaths, genus = SPEC.deaths({}, vectors.astype(np.float64), group), group // tree.shape[1]
        same = genus[:, None] == genus
        ratios.append(deaths[same & (deaths > 0)].mean() / deaths[~same & (deaths > 0)].mean())
    assert ratios[0] < ratios[1]


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_a_run_is_continued_bit_for_bit(backend):
    plan = tiny_plan("aristotle", steps=20, systems=changes(personas.find("aristotle"))["topology"])
    uninterrupted, part, rest = (trainers.make(backend, plan, "float32") for _ in range(3))
    trainers.run(uninterrupted, plan, tiny_corpus(), range(8))
    trainers.run(part, plan, tiny_corpus(), range(5))
    rest.write(part.read())
    trainers.run(rest, plan, tiny_corpus(), range(5, 8))
    same_state(uninterrupted.read(), rest.read())


def test_the_identity_of_a_run_holds_the_strength():
    one, other = (OneComponent(GROUP, 5, strength) for strength in (0.05, 0.06))
    assert one.weight(0, 10) != other.weight(0, 10)
