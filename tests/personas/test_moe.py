"""The tree of Porphyry: what a path costs, how the balance is kept, and that no token knows of another."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from parity.rooms import evaluator, mlx_module, torch_module
from personas import PersonaError
from personas.aristotle.moe import PorphyryTree
from personas.aristotle.porphyry import paths, sides, ways

TREE = PorphyryTree(32, 3, 20, rate=2.0**-6)
G = np.random.default_rng(0)
PARAMETERS = TREE.initial(G, 4)
X = G.normal(size=(8, 64, 32)) + G.normal(size=32)  # skewed, so that some answers are given more often than others


def products(method: str) -> int:
    """The multiplications and additions of a forward and backward pass."""
    module, x = torch_module(TREE, PARAMETERS, torch.float32), torch.tensor(X, dtype=torch.float32)
    with FlopCounterMode(display=False) as counter:
        getattr(module, method)(x).sum().backward()
    return counter.get_total_flops()


def test_a_path_costs_less_than_the_tree():
    """4 of 15 experts, and half as many rows again for blocks that are not full."""
    assert products("forward") < 0.42 * products("dense")


@pytest.mark.parametrize("wing", ("torch", "mlx"))
@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_no_token_knows_of_another(wing, dtype):
    """When all others are replaced, and so sorted into other blocks, a token's output is the same to the last bit."""
    others = np.roll(X, 1, axis=0)
    kept = G.random((8, 64)) < 0.5
    y, z = (evaluator(wing, dtype)(TREE, PARAMETERS, "__call__", x) for x in (X, np.where(kept[..., None], X, others)))
    assert np.array_equal(y[kept], z[kept]) and (y[~kept] != z[~kept]).any(-1).all()


def test_the_tables_of_the_tree():
    """Written out for depth 2: nodes 0; 1, 2; 3, 4, 5, 6."""
    assert paths(2).tolist() == [[0, 1, 3], [0, 1, 4], [0, 2, 5], [0, 2, 6]]
    assert sides(2).tolist() == [[1, 1, -1, -1], [1, -1, 0, 0], [0, 0, 1, -1]]
    assert ways(2).T.tolist()[3:] == [[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 0, 1]]


@pytest.mark.parametrize("wing", ("torch", "mlx"))
def test_the_load_evens_out(wing):
    """Steps of beta bring the fullest species from several shares to nearly one; calls between them change nothing."""
    if wing == "torch":
        module, x = torch_module(TREE, PARAMETERS, torch.float32), torch.tensor(X, dtype=torch.float32)
    else:
        module, x = mlx_module(TREE, PARAMETERS, mx.float32), mx.array(X, mx.float32)
    shares = []
    for _ in range(64):
        module(x)
        before = module.beta.tolist()
        module(x)
        assert module.beta.tolist() == before
        shares.append(max(module.load(x).tolist()) / (512 / 8))
        module.settle()
    assert shares[0] > 2 and shares[-1] < 1.3


def test_beta_follows_the_definition():
    p, module = dict(PARAMETERS), torch_module(TREE, PARAMETERS, torch.float64)
    for _ in range(5):
        module(torch.tensor(X))
        module.settle()
        p["beta"] = TREE.balanced(p, TREE.load(p, X))
    assert np.array_equal(module.beta.numpy(), p["beta"]) and np.abs(p["beta"]).max() == 5 * TREE.rate


def test_beta_has_no_gradient():
    module = torch_module(TREE, PARAMETERS, torch.float32)
    assert not module.beta.requires_grad and "beta" in module.state_dict()
    module = mlx_module(TREE, PARAMETERS, mx.float32)
    assert "beta" in module.parameters() and "beta" not in module.trainable_parameters()


@pytest.mark.parametrize("power", (0.5, 2, float("nan")))
def test_an_exponent_that_is_none(power):
    with pytest.raises(PersonaError, match="choose 1 or more, and not 2"):
        PorphyryTree(32, 3, 20, power=power)
