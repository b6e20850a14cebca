"""A20, the figure: values by hand, its size, and the composition that takes it."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.personas.aristotle.equivariant import ComplexLinear, ComplexPerceptron
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.spec.errors import PersonaError
from parity.project.tiny_models import tiny_plan


def test_a_complex_product_by_hand():
    """(3 + 4i)(1 + 2i) = -5 + 10i."""
    assert ComplexLinear(1, 1)({"weight": np.array([[3.0], [4.0]])}, np.array([1.0, 2.0])).tolist() == [-5, 10]


def test_a_gate_by_hand():
    """z = i, a = 2 z, b = (2 - i) z = 1 + 2i: |a|^2 - 1 = 3, f = 3 / 4, y = -(7 / 4) b."""
    p = {"up.weight": np.array([[2.0], [2.0], [0.0], [-1.0]]), "down.weight": np.array([[-1.0], [0.0]])}
    y = ComplexPerceptron(2, 1)(p | {"threshold": np.ones(1)}, np.array([0.0, 1.0]))
    np.testing.assert_allclose(y, [-7 / 4, -7 / 2], rtol=1e-15)


def test_half_the_parameters_of_the_perceptron_that_it_replaces():
    count = {
        spec: sum(x.size for x in spec.initial(np.random.default_rng(0), 4).values())
        for spec in (MLP(32), ComplexPerceptron(32, 42))
    }
    assert count[ComplexPerceptron(32, 42)] <= 0.5 * count[MLP(32)]


def test_an_odd_width_is_one_sentence():
    with pytest.raises(PersonaError, match="the width is 7: choose an even one"):
        ComplexPerceptron(7, 4)


def test_a_composition_takes_it():
    plan = tiny_plan("aristotle", systems=("tokenize", "rope", "equivariant"))
    assert plan.modules["mlp"] == ComplexPerceptron(plan.fixed.n_embd, 4 * plan.fixed.n_embd // 3)
