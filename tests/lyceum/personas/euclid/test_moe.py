"""The simplex of experts: the figure by hand, and the boundary of cells. See also `test_experts`."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.personas import PersonaError
from lyceum.personas.euclid.moe import SimplexExperts
from lyceum.personas.euclid.moe.simplex import motion, simplex
from lyceum.personas.model import router_bias
from parity.project import full_model
from parity.project.layers import evaluator
from parity.project.tiny_models import tiny_plan

SPEC = SimplexExperts(32, 32)
PARAMETERS = SPEC.initial(np.random.default_rng(0), 4)


def test_all_tokens_at_one_vertex():
    """The greatest possible load: the nearest expert serves all, the next nearest is a tie."""
    x = np.tile(simplex(8, 32)[3], (512, 1))
    for backend in ("reference", "torch", "mlx"):
        y, dense = (evaluator(backend, "float32")(SPEC, PARAMETERS, method, x) for method in ("__call__", "dense"))
        assert evaluator(backend, "float32")(SPEC, PARAMETERS, "load", x)[3] == 512
        assert np.abs(y - dense).max() <= 1e-6 * np.abs(dense).max()


def test_by_hand():
    """A segment and a triangle; and the motion that turns the triangle by a third."""
    assert np.allclose(simplex(2, 1), [[-1], [1]], atol=1e-15)
    triangle = simplex(3, 3)
    assert np.allclose(triangle[0], [-(0.5**0.5), -(0.5**0.5), 0], atol=1e-15)
    turn = motion(triangle, np.array([1, 2, 0]))
    assert np.allclose(turn @ turn.T, np.eye(3)) and np.linalg.det(turn) == pytest.approx(1)
    assert np.allclose(triangle @ turn.T, triangle[[1, 2, 0]])


@pytest.mark.parametrize(("n_expert", "k"), ((34, 2), (1, 1), (8, 0), (8, 9)))
def test_an_impossible_simplex_is_refused(n_expert, k):
    with pytest.raises(PersonaError, match="choose"):
        SimplexExperts(32, 32, n_expert, k)


@pytest.mark.parametrize(
    ("backend", "dtype", "near"),
    (
        ("reference", "float64", 1e-14),
        ("torch", "float64", 1e-14),
        ("mlx", "float32", 1e-6),
        ("torch", "float32", 1e-6),
    ),
)
def test_cells_end_at_the_radical_plane(backend, dtype, near):
    """Along the line of centres the choice of two changes where |x - v|^2 - beta_v = |x - w|^2 - beta_w."""
    spec, v = SimplexExperts(8, 1, 2, 1), simplex(2, 8)
    beta = np.array([0.0, 0.75])
    p = spec.initial(np.random.default_rng(1), 1) | {"beta": beta}
    low, high, across = -1.0, 1.0, np.eye(8)[5]  # the line of centres is the first axis, v_0 at -1
    while high - low > near:
        middle = (low + high) / 2
        x = middle * np.eye(8)[0] + np.sqrt(1 - middle**2) * across
        first = evaluator(backend, dtype)(spec, p, "route", x[None], v)[0, 0] == 1
        low, high = (middle, high) if first else (low, middle)
    x = low * np.eye(8)[0] + np.sqrt(1 - low**2) * across
    power = ((x - v) ** 2).sum(-1) - beta
    assert abs(power[0] - power[1]) < 8 * near and abs(low) == pytest.approx(0.75 / 4, abs=4 * near)


def test_every_choice_of_a_drawn_batch_is_clear():
    plan = tiny_plan("euclid", systems=("moe",))
    assert plan.router_biases() == {"blocks.0.mlp.beta", "blocks.1.mlp.beta"} <= plan.initial(0).keys()
    for seed in range(3):
        parameters, ids, _, noise = full_model.drawn(plan, seed)
        assert full_model.CLEAR <= router_bias.margin(plan, parameters, ids, noise) < 0.1
