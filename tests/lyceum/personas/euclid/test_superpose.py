"""E15, equiangular lines: the figures by hand and against SymPy's residues, and the composition that takes them."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum import personas
from lyceum.personas.euclid.superpose import EquiangularPerceptron
from lyceum.personas.euclid.superpose.diagonals import corners, frame, order, signs, squares
from lyceum.personas.spec.errors import PersonaError
from parity.project import trainers
from parity.project.tiny_models import tiny_plan


def test_the_icosahedron():
    """From each of its 12 corners 5 are an edge away, 5 a golden ratio of edges, and one a diameter."""
    corner = np.concatenate([frame(5, 3), -frame(5, 3)])
    lengths = np.sort(np.linalg.norm(corner[:, None] - corner, axis=-1))
    edge = lengths[0, 1]
    expected = np.array([0, *5 * [edge], *5 * [edge * (1 + 5**0.5) / 2], 2])
    np.testing.assert_allclose(lengths, np.tile(expected, (12, 1)), atol=1e-7)


def test_lines_of_seven_dimensions_by_hand():
    """Squares modulo 13 are 1, 3, 4, 9, 10, 12; line 5 is 5, 2 and 7 corners on, the last counted backwards."""
    assert squares(13).tolist() == [1, 3, 4]
    assert corners(13)[4].tolist() == [5, 2, -6]
    assert signs(13)[1, 1:].tolist() == [0, 1, -1, 1, 1, -1, -1, -1, -1, 1, 1, -1, 1]


@pytest.mark.parametrize(("d", "q"), [(3, 5), (4, 5), (6, 5), (7, 13), (8, 13), (15, 29), (16, 29), (31, 61), (32, 61)])
def test_the_order_for_a_width(d, q):
    assert order(d) == q and frame(q, d).shape == (q + 1, d)


def test_orders_and_squares_against_sympy():
    theory = pytest.importorskip("sympy.ntheory")
    for d in range(3, 40):
        q = order(d)
        assert q == max(p for p in theory.primerange(5, 2 * d) if p % 4 == 1)
    residues = theory.quadratic_residues(61)[1:]
    assert squares(61).tolist() == [k for k in residues if k < 30.5]
    assert np.array_equal(signs(61)[1, 2:] > 0, np.isin(np.arange(1, 61), residues))


def test_a_conference_matrix():
    """Paley's matrix is symmetric and its square is q."""
    paley = signs(61)
    assert np.array_equal(paley, paley.T) and np.array_equal(paley @ paley, 61 * np.eye(62))


def test_the_contract_has_62_features_of_124_parameters():
    initial = EquiangularPerceptron(32).initial(np.random.default_rng(0), 4)
    assert sum(x.size for x in initial.values()) == 124


def test_a_width_without_a_figure_is_one_sentence():
    with pytest.raises(PersonaError, match="the width is 2: choose 3 or more"):
        EquiangularPerceptron(2)


@pytest.mark.parametrize("backend", ["torch", "mlx"])
def test_generation_is_the_text_at_once(backend):
    plan = tiny_plan("euclid", systems=personas.compose("euclid", ["superpose"], ["memory", "tokenize", "sparse"]))
    assert plan.modules["mlp"] == EquiangularPerceptron(16)
    trainer = trainers.make(backend, plan, "float32")
    gains = {f"model.blocks.{i}.mlp.gain": np.full(30, 0.3, np.float32) for i in range(plan.fixed.n_layer)}
    trainer.write(trainer.read() | gains)
    ids, cache = np.arange(11, dtype=np.int32)[None], trainer.start(1)
    for n in range(1, 12):
        cache, log_probs = trainer.go_on(cache, ids[:, :n], 1)
        np.testing.assert_allclose(log_probs, trainer.log_probs(ids, np.array([n - 1])), atol=2e-5)


def test_only_one_system_is_the_mlp():
    with pytest.raises(PersonaError, match="'moe' and 'superpose' exclude each other .both are the mlp."):
        personas.compose("euclid", ["superpose", "moe"])
