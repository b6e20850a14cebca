"""The simplex of experts: what a token costs, that none knows of another, and that the bridge keeps clear of ties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from parity import whole
from parity.rooms import evaluator, torch_module
from parity.small import small_plan
from personas import PersonaError, balance
from personas.euclid.moe import SimplexExperts
from personas.euclid.simplex import motion, simplex

SPEC = SimplexExperts(32, 32)
G = np.random.default_rng(0)
PARAMETERS = SPEC.initial(G, 4)
X = G.normal(size=(8, 64, 32)) + G.normal(size=32)  # skewed, so that some experts serve more tokens than others


def products(method: str) -> int:
    """The multiplications and additions of a forward and backward pass."""
    module, x = torch_module(SPEC, PARAMETERS, torch.float32), torch.tensor(X, dtype=torch.float32)
    with FlopCounterMode(display=False) as counter:
        getattr(module, method)(x).sum().backward()
    return counter.get_total_flops()


def test_the_nearest_cost_less_than_all():
    """2 of 8 experts, and half as many rows again for blocks that are not full."""
    assert products("forward") < 0.42 * products("dense")


@pytest.mark.parametrize("wing", ("torch", "mlx"))
@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_no_token_knows_of_another(wing, dtype):
    """When all others are replaced, and so sorted into other blocks, a token's output is the same to the last bit."""
    others = np.roll(X, 1, axis=0)
    kept = G.random((8, 64)) < 0.5
    y, z = (evaluator(wing, dtype)(SPEC, PARAMETERS, "__call__", x) for x in (X, np.where(kept[..., None], X, others)))
    assert np.array_equal(y[kept], z[kept]) and (y[~kept] != z[~kept]).any(-1).all()


def test_all_tokens_at_one_vertex():
    """The greatest load that there can be: the nearest expert serves all, the next nearest is a tie."""
    x = np.tile(simplex(8, 32)[3], (512, 1))
    for wing in ("definition", "torch", "mlx"):
        y, dense = (evaluator(wing, "float32")(SPEC, PARAMETERS, method, x) for method in ("__call__", "dense"))
        assert evaluator(wing, "float32")(SPEC, PARAMETERS, "load", x)[3] == 512
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
def test_a_simplex_that_is_none(n_expert, k):
    with pytest.raises(PersonaError, match="choose"):
        SimplexExperts(32, 32, n_expert, k)


def test_every_choice_of_a_drawn_batch_is_clear():
    """A room that chooses without balances is kept clear of ties as well."""
    plan = small_plan("euclid", systems=("moe",))
    assert plan.balances() == set()
    for seed in range(3):
        parameters, ids, _, noise = whole.drawn(plan, seed)
        assert whole.CLEAR <= balance.margin(plan, parameters, ids, noise) < 0.1
