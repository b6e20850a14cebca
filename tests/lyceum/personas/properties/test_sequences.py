"""Continuation: the size of each cache, and models that take a text in pieces."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

import mlx_impl.model
import torch_ref.model
from lyceum.personas.aristotle.attention import Syllogism
from lyceum.personas.aristotle.mla import LatentAttention
from lyceum.personas.aristotle.ssm import SelectiveStateSpace
from lyceum.personas.baseline.attention import Attention
from lyceum.personas.euclid.attention import CircleAttention
from lyceum.personas.euclid.mla import Projection
from lyceum.personas.euclid.ssm import RigidMotion
from lyceum.personas.model import forward
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.tiny import N_VOCAB
from lyceum.rng import stream
from parity.float64 import exact
from parity.project.layers import mlx_module, torch_module
from parity.project.tiny_models import tiny_plans

# At d = 32, H = 4: (numbers a token, numbers in all).
CACHED = {
    Attention(32, 4): (64, 0),
    CircleAttention(32, 4): (64, 0),
    Syllogism(32, 4): (96, 0),
    LatentAttention(32, 4): (24, 32),
    Projection(32, 4): (24, 0),
    SelectiveStateSpace(32, 4): (0, 128),
    RigidMotion(32, 4): (0, 256),
}
BACKENDS = {"reference": 8, "torch": 4, "mlx": 4}  # bytes a number
PLANS = tiny_plans()


def cached(backend: str, spec, length: int) -> tuple:
    """The cache of one sequence after so many tokens, float32 in the backends."""
    p, x = Case("", spec, None).parameters(stream(0, "cache")), stream(1, "cache").normal(size=(1, length, 32))
    if backend == "reference":
        return spec.step(p, *spec.start(1), x)[:-1]
    if backend == "torch":
        module = torch_module(spec, p, torch.float32)
        with torch.no_grad():
            return module.step(*module.start(1), torch.tensor(x, dtype=torch.float32))[:-1]
    with mx.stream(mx.cpu):
        module = mlx_module(spec, p, mx.float32)
        return module.step(*module.start(1), mx.array(x, mx.float32))[:-1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("spec", CACHED, ids=lambda spec: type(spec).__name__)
def test_bytes_of_a_cache(spec, backend):
    token, rest = CACHED[spec]
    sizes = [sum(part.nbytes for part in cached(backend, spec, length)) for length in (1, 2, 64)]
    assert sizes == [BACKENDS[backend] * (token * length + rest) for length in (1, 2, 64)]


@pytest.mark.parametrize("name", PLANS)
def test_a_model_takes_a_text_in_pieces(name):
    """The reference, and both backends in float64."""
    plan = PLANS[name]
    p = {n: np.asarray(x + 0.2 * stream(1, n).normal(size=x.shape)) for n, x in plan.initial(1).items()}
    ids = stream(2, "pieces").integers(0, N_VOCAB, (2, 16)).astype(np.int32)
    at_once = forward.hidden(plan, p, ids, {})
    torch_side, mlx_side = torch_ref.model.Model(plan).double(), mlx_impl.model.Model(plan)
    torch_ref.model.load_parameters(torch_side, p)
    with torch.no_grad(), exact():
        mlx_impl.model.load_parameters(mlx_side, p, mx.float64)
        caches = [forward.start(plan, 2), torch_side.start(2), mlx_side.start(2)]
        for first, end in ((0, 5), (5, 6), (6, 7), (7, 16)):
            piece = ids[:, first:end]
            steps = (
                forward.step(plan, p, caches[0], piece),
                torch_side.step(caches[1], torch.tensor(piece).long()),
                mlx_side.step(caches[2], mx.array(piece)),
            )
            caches = [cache for cache, _ in steps]
            for _, output in steps:
                np.testing.assert_allclose(
                    np.asarray(output), at_once[:, first:end], atol=1e-11 * np.abs(at_once).max()
                )
