"""Both mixtures of experts: the cost is below that of all experts, tokens are independent, the load evens out."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lyceum.personas.aristotle.moe import PorphyryTree
from lyceum.personas.euclid.moe import SimplexExperts
from parity.bounds.rounding import MARGIN, UNIT
from parity.project.layers import evaluator, mlx_module, torch_module

LAYERS = {"tree": PorphyryTree(32, 3, 20, rate=2.0**-6), "simplex": SimplexExperts(32, 32, rate=2.0**-5)}
CHOSEN = {"tree": 1, "simplex": 2}  # of 8
X = (g := np.random.default_rng(0)).normal(size=(8, 64, 32)) + g.normal(size=32)  # skewed


@pytest.fixture(params=LAYERS)
def layer(request):
    return request.param


def parameters(layer: str) -> dict[str, np.ndarray]:
    return LAYERS[layer].initial(np.random.default_rng(1), 4)


def products(layer: str, method: str) -> int:
    """Multiplications and additions of a forward and backward pass."""
    module, x = torch_module(LAYERS[layer], parameters(layer), torch.float32), torch.tensor(X, dtype=torch.float32)
    with FlopCounterMode(display=False) as counter:
        getattr(module, method)(x).sum().backward()
    return counter.get_total_flops()


def test_the_chosen_cost_less_than_all(layer):
    """4 of 15 nodes, or 2 of 8 experts, and half as many rows again in blocks that are not full."""
    assert products(layer, "forward") < 0.42 * products(layer, "dense")


@pytest.mark.parametrize("backend", ("torch", "mlx"))
@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_tokens_are_independent(layer, backend, dtype):
    """A token's output is the same if other tokens are replaced, and so sorted into other blocks.

    Up to rounding: some BLAS libraries round a row of a product differently at another position. An output that read
    another token would differ by far more, as the replaced ones do.
    """
    same, evaluate = np.random.default_rng(2).random((8, 64)) < 0.5, evaluator(backend, dtype)
    both = X, np.where(same[..., None], X, np.roll(X, 1, axis=0))
    y, z = (evaluate(LAYERS[layer], parameters(layer), "__call__", x) for x in both)
    rounding = MARGIN * X.shape[-1] ** 0.5 * UNIT[dtype] * np.abs(y).max()
    assert np.abs(y - z)[same].max() <= rounding
    assert (np.abs(y - z)[~same].max(-1) > 1e3 * rounding).all()


@pytest.mark.parametrize("backend", ("torch", "mlx"))
def test_the_load_evens_out(layer, backend):
    """Updates of beta bring the fullest expert from several shares to nearly one; calls between them change nothing."""
    if backend == "torch":
        module, x = torch_module(LAYERS[layer], parameters(layer), torch.float32), torch.tensor(X, dtype=torch.float32)
    else:
        module, x = mlx_module(LAYERS[layer], parameters(layer), mx.float32), mx.array(X, mx.float32)
    shares = []
    for _ in range(64):
        module(x)
        before = module.beta.tolist()
        module(x)
        assert module.beta.tolist() == before
        shares.append(max(module.load(x).tolist()) / (CHOSEN[layer] * 512 / 8))
        module.update_router_bias()
    assert shares[0] > 2 and shares[-1] < 1.3


def test_beta_follows_the_reference(layer):
    spec, p = LAYERS[layer], parameters(layer)
    module = torch_module(spec, p, torch.float64)
    for _ in range(5):
        module(torch.tensor(X))
        module.update_router_bias()
        p["beta"] = spec.rebalanced(p, spec.load(p, X))
    assert np.array_equal(module.beta.numpy(), p["beta"])
    assert np.ptp(p["beta"]) == 10 * spec.rate  # one to each side, five times


def test_beta_has_no_gradient(layer):
    module = torch_module(LAYERS[layer], parameters(layer), torch.float32)
    assert not module.beta.requires_grad and "beta" in module.state_dict()
    module = mlx_module(LAYERS[layer], parameters(layer), mx.float32)
    assert "beta" in module.parameters() and "beta" not in module.trainable_parameters()
