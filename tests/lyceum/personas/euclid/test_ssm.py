"""E2, rigid motion: nothing is lost or overflows in 4,096 places, whatever the contraction; the cost is linear in T."""

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

SPEC = RigidMotion(8, 2, 3)
P = {name: representable(x) for name, x in Case("", SPEC, None).parameters(stream(0, "test-euclid-ssm")).items()}
LONG = representable(stream(1, "test-euclid-ssm").normal(size=(1, 4096, 8)))
STATE = representable(stream(2, "test-euclid-ssm").normal(size=(1, 2, 4, 6)))
BACKENDS = ("torch", "mlx")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_free_motion_is_rigid_over_4096_places(backend):
    """In float32: lengths and angles to rounding, and the angles themselves, of which each is a sum of 4,096."""
    found = evaluator(backend, "float32")(SPEC, free(P), "step", STATE, LONG)[0]
    np.testing.assert_allclose(gram(found), gram(STATE), atol=1e-6 * gram(STATE).max())
    np.testing.assert_allclose(found, SPEC.step(free(P), STATE, LONG)[0], atol=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pace", (-1e4, -100.0, -17.0, -8.0, 0.0, 8.0, 17.0, 100.0, 1e4))
def test_4096_places_at_any_contraction(backend, pace):
    """r from exactly 1 to exactly 0: outputs as defined, no gradient lost, in float32."""
    p = P | {"pace": np.full(2, pace)}
    y, gradient = differentiated(backend, p)
    assert np.isfinite(gradient).all()
    defined = SPEC(p, LONG)
    np.testing.assert_allclose(y, defined, atol=1e-4 * np.abs(defined).max())


def differentiated(backend: str, p: dict) -> tuple[np.ndarray, np.ndarray]:
    """Outputs, and every gradient of their sum in one row, in float32."""
    if backend == "torch":
        module, x = torch_module(SPEC, p, torch.float32), torch.tensor(LONG, dtype=torch.float32, requires_grad=True)
        y = module(x)
        found = torch.autograd.grad(y.sum(), [x, *module.parameters()])
        return y.detach().numpy(), np.concatenate([part.numpy().ravel() for part in found])
    with mx.stream(mx.cpu):
        module, x = mlx_module(SPEC, p, mx.float32), mx.array(LONG, mx.float32)

        def total(tree, x):
            module.update(tree)
            return module(x).sum()

        tree, dx = mx.grad(total, argnums=(0, 1))(module.parameters(), x)
        module.update(tree)
        found = [dx, tree["motion"]["weight"], tree["pace"], tree["turn"], tree["skip"], tree["out"]["weight"]]
        gradient = np.concatenate([np.array(part).ravel() for part in found])
        module.update(mlx_module(SPEC, p, mx.float32).parameters())
        return np.array(module(x)), gradient


@pytest.mark.parametrize("backend", ("definition", *BACKENDS))
def test_the_bound_of_the_state_is_reached(backend):
    """r_i^2 = i / (i + 1) and no turn: constant input grows as the square roots, 1, sqrt 2, sqrt 3, ..."""
    spec, places = RigidMotion(2, 1, 1), np.arange(30)
    p = {name: np.zeros_like(x) for name, x in spec.initial(stream(0, ""), 1).items()}
    # x_t = (1, z_t): u = (1, 0), B = (1, 0).
    p["motion.weight"][[0, 2, 4], [0, 1, 0]] = 1
    with np.errstate(divide="ignore"):
        r = np.sqrt(places / (places + 1))
        z = np.where(places == 0, 1e3, np.log(1 - r) - np.log(r))
    x = np.stack([np.ones(30), z], axis=-1)[None]
    for length in (1, 2, 9, 30):
        state = evaluator(backend, "float64")(spec, p, "step", *spec.start(1), x[:, :length])[0]
        np.testing.assert_allclose(state[0, 0], [[length**0.5, 0], [0, 0]], atol=1e-5)


def test_initial_memories_and_turns():
    p = RigidMotion(32, 4).initial(stream(0, "initial"), 4)
    np.testing.assert_allclose(1 + np.exp(-p["pace"]), [2, 8, 32, 128])
    np.testing.assert_allclose(1 / p["turn"].reshape(4, 4), np.tile([4, 16, 64, 256], (4, 1)))


def test_the_cost_is_linear():
    """Products counted: twice the length, twice the work, up to 4,096 places."""
    module = torch_ref.registry.build(RigidMotion(32, 4))
    counts = []
    for length in (512, 1024, 2048, 4096):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(1, length, 32))
        counts.append(counter.get_total_flops() / length)
    assert max(counts) < 1.02 * min(counts)
