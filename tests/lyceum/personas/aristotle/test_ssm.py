"""The selective state space: generation after a prompt, no overflow, and a cost that is linear in T."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import mlx_impl.model
import mlx_impl.registry
import torch_ref.model
import torch_ref.registry
from lyceum.personas.aristotle.ssm import SelectiveStateSpace
from lyceum.personas.spec.case import Case
from lyceum.rng import stream
from parity.project.layers import mlx_module, torch_module

SPEC = SelectiveStateSpace(8, 2, 3)
P = Case("", SPEC, None).parameters(stream(0, "test-ssm"))
X = stream(1, "test-ssm").normal(size=(2, 21, 8))


def test_generation_after_a_prompt():
    """A step from the last state of a prompt gives what the full pass gives."""
    torch_side, mlx_side = torch_module(SPEC, P, torch.float64), mlx_module(SPEC, P, mx.float32)
    full = SPEC(P, X)
    with torch.no_grad():
        state, y = torch_side.step(torch_side.states(torch.tensor(X[:, :20]))[:, -1], torch.tensor(X[:, 20:]))
    np.testing.assert_allclose(y, full[:, 20:], atol=1e-13)
    # The reference's states are the backends' states.
    np.testing.assert_allclose(state, SPEC.states(P, X)[:, -1], atol=1e-13)
    with mx.stream(mx.cpu):
        _, y = mlx_side.step(mlx_side.states(mx.array(X[:, :20], mx.float32))[:, -1], mx.array(X[:, 20:], mx.float32))
        np.testing.assert_allclose(np.array(y), full[:, 20:], atol=1e-5)


@pytest.mark.parametrize("pace", (-80.0, 80.0, 1e4))
def test_extreme_paces_neither_overflow_nor_lose_the_gradient(pace):
    """Dt of 1e4 over 64 tokens: a decay by e^-640000; exp of the negated sum would overflow in float32."""
    p = P | {"pace": np.full(2, pace)}
    x = torch.tensor(np.tile(X[:, :16], (1, 4, 1)), dtype=torch.float32, requires_grad=True)
    y = torch_module(SPEC, p, torch.float32)(x)
    y.sum().backward()
    assert torch.isfinite(y).all() and torch.isfinite(x.grad).all()
    with mx.stream(mx.cpu):
        z = np.array(mlx_module(SPEC, p, mx.float32)(mx.array(x.detach().numpy())))
    np.testing.assert_allclose(z, y.detach(), rtol=1e-4, atol=1e-5 * float(y.detach().abs().max()))


def test_initial_rates():
    p = SelectiveStateSpace(32, 4).initial(stream(0, "initial"), 4)
    form = np.logaddexp(p["form"], 0).reshape(4, 4)
    np.testing.assert_allclose(form, np.tile(np.arange(1.0, 5), (4, 1)))
    assert ((np.logaddexp(p["pace"], 0) > 0.00099) & (np.logaddexp(p["pace"], 0) < 0.101)).all()


def test_the_cost_is_linear():
    """Counted operations: twice the length is twice the work, up to 4,096 tokens."""
    module = torch_ref.registry.build(SelectiveStateSpace(32, 4))
    counts = []
    for length in (512, 1024, 2048, 4096):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(1, length, 32))
        counts.append(counter.get_total_flops() / length)
    assert max(counts) < 1.02 * min(counts)


def test_no_backend_builds_a_square_of_the_length():
    """The largest array in the scan of 4,096 tokens has 8 x 4 x 4 numbers a token: linear memory."""
    sizes = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            sizes.extend(x.numel() for x in (out if isinstance(out, tuple | list) else (out,)) if hasattr(x, "numel"))
            return out

    with Watch(), torch.no_grad():
        torch_ref.registry.build(SelectiveStateSpace(32, 4))(torch.zeros(1, 4096, 32))
    assert max(sizes) <= 4096 * 8 * 4 * 4
    assert mlx_impl.registry.build(SelectiveStateSpace(32, 4))(mx.zeros((1, 4096, 32))).shape == (1, 4096, 32)
