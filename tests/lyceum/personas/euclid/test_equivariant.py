"""E20, motions of space: values by hand, its size, generation, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum import personas
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.euclid.equivariant import VectorLinear, VectorPerceptron, moved
from lyceum.personas.spec.errors import PersonaError
from parity.project import trainers
from parity.project.tiny_models import tiny_plan

ONE = VectorPerceptron(3, 1, 3)


def gated(a: float, b: float, x: list[float]) -> list[float]:
    """One pair of arrows made of one arrow x."""
    p = {"up.weight": np.array([[a], [b]]), "down.weight": np.ones((1, 1))}
    return ONE(p, np.array(x)).tolist()


def test_gates_by_hand():
    """x of length 1, a = 3 x / 4, b = x: an angle of 0, <a, b> = 3/4, f = 3/5, y = 8/5 x; and of half a turn: 2/5 x."""
    np.testing.assert_allclose(gated(0.75, 1.0, [1, 0, 0]), [1.6, 0, 0], rtol=1e-15)
    np.testing.assert_allclose(gated(-0.75, 1.0, [0, 0.6, 0.8]), [0, 0.24, 0.32], rtol=1e-15)


def test_a_right_angle_passes_as_it_is():
    """a is the first arrow, b the second."""
    spec = VectorPerceptron(4, 1, 2)
    p = {"up.weight": np.eye(2), "down.weight": np.ones((2, 1))}
    x = moved(np.array([5.0, 0, 0, 7.0]), np.eye(2))  # the arrows (5, 0) and (0, 7)
    assert spec(p, x).tolist() == [0, 0, 7, 7]


def test_arrows_by_hand():
    """A quarter turn of the arrows (1, 2) and (3, 4): first coordinates stand before second ones."""
    assert moved(np.array([1, 3, 2, 4]), np.array([[0, -1], [1, 0]])).tolist() == [-2, -4, 1, 3]
    assert VectorLinear(2, 1, 2)({"weight": np.array([[1.0, 10.0]])}, np.array([1.0, 3, 2, 4])).tolist() == [31, 42]


def test_an_eighth_of_the_parameters():
    count = {
        spec: sum(x.size for x in spec.initial(np.random.default_rng(0), 4).values())
        for spec in (MLP(32), VectorPerceptron(32, 42))
    }
    assert count[VectorPerceptron(32, 42)] <= count[MLP(32)] / 8


def test_a_width_that_is_no_multiple_is_one_sentence():
    with pytest.raises(PersonaError, match="the width is 30: choose a multiple of 4"):
        VectorPerceptron(30, 4)


@pytest.mark.parametrize("backend", ["torch", "mlx"])
def test_generation_is_the_text_at_once(backend):
    plan = tiny_plan("euclid", systems=personas.compose("euclid", ["equivariant"], ["memory", "tokenize", "sparse"]))
    assert plan.modules["mlp"] == VectorPerceptron(16, 21)
    trainer = trainers.make(backend, plan, "float32")
    ids, cache = np.arange(11, dtype=np.int32)[None], trainer.start(1)
    for n in range(1, 12):
        cache, log_probs = trainer.go_on(cache, ids[:, :n], 1)
        np.testing.assert_allclose(log_probs, trainer.log_probs(ids, np.array([n - 1])), atol=2e-5)
