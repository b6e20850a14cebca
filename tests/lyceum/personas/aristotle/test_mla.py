"""Latent attention: bytes of the cache, a prompt in one step, and an induction head."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

from lyceum.personas.aristotle.mla import LatentAttention
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.rng import stream
from mlx_impl.registry import build as build_mlx
from parity.project.layers import mlx_module, torch_module
from torch_ref.registry import build as build_torch

SPEC = LatentAttention(32, 4)
P = Case("", SPEC, None).parameters(stream(0, "test-mla"))
X = stream(1, "test-mla").normal(size=(2, 12, 32))


def cached(backend: str, length: int) -> list:
    """The cache of one sequence after so many tokens, float32 in the backends."""
    x = X[:1, :length]
    if backend == "reference":
        return list(SPEC.step(P, *SPEC.start(1), x)[:3])
    if backend == "torch":
        module = build_torch(SPEC)
        with torch.no_grad():
            return list(module.step(*module.start(1), torch.tensor(x, dtype=torch.float32))[:3])
    module = build_mlx(SPEC)
    return list(module.step(*module.start(1), mx.array(x, mx.float32))[:3])


@pytest.mark.parametrize(("backend", "itemsize"), [("reference", 8), ("torch", 4), ("mlx", 4)])
def test_cache_bytes_per_token(backend, itemsize):
    """24 numbers a token and one x: three eighths of the 64 numbers that plain keys and values take."""
    sizes = [sum(part.nbytes for part in cached(backend, length)) for length in (1, 2, 12)]
    assert sizes == [itemsize * (24 * length + 32) for length in (1, 2, 12)]


def test_a_prompt_in_one_step_is_the_full_pass():
    """Steps of 7 and of 5 tokens give the explicit form of all 12."""
    full = SPEC(P, X)
    torch_side, mlx_side = torch_module(SPEC, P, torch.float64), mlx_module(SPEC, P, mx.float32)
    x = torch.tensor(X)
    with torch.no_grad():
        *cache, first = torch_side.step(*torch_side.start(2), x[:, :7])
        second = torch_side.step(*cache, x[:, 7:])[-1]
    np.testing.assert_allclose(torch.cat([first, second], dim=1), full, atol=1e-13)
    x = mx.array(X, mx.float32)
    *cache, first = mlx_side.step(*mlx_side.start(2), x[:, :7])
    second = mlx_side.step(*cache, x[:, 7:])[-1]
    np.testing.assert_allclose(np.array(mx.concatenate([first, second], axis=1)), full, atol=2e-5)


def test_an_induction_head_attends_to_what_followed():
    """U = V = W_q = 1, large: at the second A of A B C A, the second head's weight lies on B."""
    spec = LatentAttention(16, 4, n_latent=16, n_rotary=2)
    p = {name: np.zeros_like(value) for name, value in spec.initial(stream(0, "x"), 1).items()}
    p["down.weight"][:4, :4] = np.eye(4)
    p["query.weight"][4:8, :4] = 10 * np.eye(4)  # rows 4 to 7: the queries of the second head
    p["up.weight"][4:8, :4] = 10 * np.eye(4)  # its U
    p["up.weight"][16 + 4 : 16 + 8, :4] = np.eye(4)  # its V
    p["out.weight"] = np.eye(16)
    x = np.zeros((1, 4, 16))
    x[0, range(4), [0, 1, 2, 0]] = 1
    y = spec(p, x)[0, 3, 4:8]
    assert y.argmax() == 1 and y[1] > 0.99 * y.sum()


def test_the_number_of_heads_is_a_multiple_of_four():
    with pytest.raises(PersonaError, match="multiple of 4"):
        LatentAttention(16, 2)
