"""E2, rigid motion: precise and finite over 4,096 tokens, whatever the contraction; the cost is linear in T."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import torch_ref.model
import torch_ref.registry
from lyceum.personas.euclid.ssm import RigidMotion, free, gram
from lyceum.personas.spec.case import Case, representable
from lyceum.rng import stream
from parity.project.layers import evaluator, mlx_module, torch_module
from tests.support.turns import marked

SPEC = RigidMotion(8, 2, 3)
P = {name: representable(x) for name, x in Case("", SPEC, None).parameters(stream(0, "test-euclid-ssm")).items()}
PACES = [-1e4, -100.0, -17.0, -8.0, 0.0, 8.0, 17.0, 100.0, 1e4]
LONG = representable(stream(1, "test-euclid-ssm").normal(size=(1, 4096, 8)))
STATE = representable(stream(2, "test-euclid-ssm").normal(size=(1, 2, 4, 6)))
BACKENDS = ("torch", "mlx")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_free_motion_is_rigid_over_4096_tokens(backend):
    """In float32: lengths and angles to rounding, and the state itself, whose angles are sums of 4,096 terms."""
    state = evaluator(backend, "float32")(SPEC, free(P), "step", STATE, LONG)[0]
    np.testing.assert_allclose(gram(state), gram(STATE), atol=1e-6 * gram(STATE).max())
    np.testing.assert_allclose(state, SPEC.step(free(P), STATE, LONG)[0], atol=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pace", marked(PACES, lambda pace: pace in (-1e4, 0.0, 17.0)))
def test_4096_tokens_at_any_contraction(backend, pace):
    """r from exactly 1 to exactly 0, in float32: outputs equal the reference's, gradients are finite."""
    p = P | {"pace": np.full(2, pace)}
    y, gradient = differentiated(backend, p)
    assert np.isfinite(gradient).all()
    expected = SPEC(p, LONG)
    np.testing.assert_allclose(y, expected, atol=1e-4 * np.abs(expected).max())


def differentiated(backend: str, p: dict) -> tuple[np.ndarray, np.ndarray]:
    """Outputs, and all gradients of their sum as one vector, in float32."""
    if backend == "torch":
        module, x = torch_module(SPEC, p, torch.float32), torch.tensor(LONG, dtype=torch.float32, requires_grad=True)
        y = module(x)
        gradients = torch.autograd.grad(y.sum(), [x, *module.parameters()])
        return y.detach().numpy(), np.concatenate([part.numpy().ravel() for part in gradients])
    with mx.stream(mx.cpu):
        module, x = mlx_module(SPEC, p, mx.float32), mx.array(LONG, mx.float32)

        def total(tree, x):
            module.update(tree)
            return module(x).sum()

        tree, dx = mx.grad(total, argnums=(0, 1))(module.parameters(), x)
        module.update(tree)
        gradients = [dx, tree["motion"]["weight"], tree["pace"], tree["turn"], tree["skip"], tree["out"]["weight"]]
        gradient = np.concatenate([np.array(part).ravel() for part in gradients])
        module.update(mlx_module(SPEC, p, mx.float32).parameters())
        return np.array(module(x)), gradient


@pytest.mark.parametrize("backend", ("reference", *BACKENDS))
def test_the_bound_of_the_state_is_reached(backend):
    """r_i^2 = i / (i + 1), no turn and constant input: the state grows as 1, sqrt 2, sqrt 3, ..."""
    spec, t = RigidMotion(2, 1, 1), np.arange(30)
    p = {name: np.zeros_like(x) for name, x in spec.initial(stream(0, ""), 1).items()}
    # x_t = (1, z_t): u = (1, 0), B = (1, 0).
    p["motion.weight"][[0, 2, 4], [0, 1, 0]] = 1
    with np.errstate(divide="ignore"):
        r = np.sqrt(t / (t + 1))
        z = np.where(t == 0, 1e3, np.log(1 - r) - np.log(r))
    x = np.stack([np.ones(30), z], axis=-1)[None]
    for length in (1, 2, 9, 30):
        state = evaluator(backend, "float64")(spec, p, "step", *spec.start(1), x[:, :length])[0]
        np.testing.assert_allclose(state[0, 0], [[length**0.5, 0], [0, 0]], atol=1e-5)


def test_initial_time_scales():
    p = RigidMotion(32, 4).initial(stream(0, "initial"), 4)
    np.testing.assert_allclose(1 + np.exp(-p["pace"]), [2, 8, 32, 128])
    np.testing.assert_allclose(1 / p["turn"].reshape(4, 4), np.tile([4, 16, 64, 256], (4, 1)))


def test_the_cost_is_linear():
    """Floating-point operations a token do not grow with the length, up to 4,096 tokens."""
    module = torch_ref.registry.build(RigidMotion(32, 4))
    counts = []
    for length in (512, 1024, 2048, 4096):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(1, length, 32))
        counts.append(counter.get_total_flops() / length)
    assert max(counts) < 1.02 * min(counts)
