"""The full model: both backends compute the reference's losses, and none sees the future, not by a single bit."""

from __future__ import annotations

from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
import torch

import mlx_impl.model
import torch_ref.model
from lyceum.personas import PERSONAS
from lyceum.personas.model import forward
from lyceum.personas.spec.tiny import N_VOCAB
from lyceum.rng import stream
from parity.float64 import exact
from parity.project.tiny_models import tiny_plan

BACKENDS, DTYPES = ("torch", "mlx"), ("float64", "float32")


@pytest.fixture(params=PERSONAS)
def plan(request):
    """Tiny, with dropout, whether the persona's recipe has it or not."""
    plan = tiny_plan(request.param)
    return replace(plan, recipe=replace(plan.recipe, dropout=0.25))


def parameters(plan) -> dict[str, np.ndarray]:
    """In general position, so that no head is zero; float64 holding float32 values."""
    return {
        name: np.asarray(value + stream(1, name).normal(0, 0.2, value.shape), np.float32).astype(np.float64)
        for name, value in plan.initial(1).items()
    }


def losses(backend: str, dtype: str, plan, ids, targets, noise) -> np.ndarray:
    """The backend's losses (B, T), as float64."""
    if backend == "torch":
        torch_dtype, built = getattr(torch, dtype), torch_ref.model.Model(plan)
        torch_ref.model.load_parameters(built.to(torch_dtype), parameters(plan))
        masks = {site: torch.tensor(mask, dtype=torch_dtype) for site, mask in noise.items()}
        with torch.no_grad():
            return built.losses(torch.tensor(ids).long(), torch.tensor(targets).long(), masks).double().numpy()
    with mx.stream(mx.cpu):
        mx_dtype, built = getattr(mx, dtype), mlx_impl.model.Model(plan)
        mlx_impl.model.load_parameters(built, parameters(plan), mx_dtype)
        masks = {site: mx.array(mask, mx_dtype) for site, mask in noise.items()}
        return np.array(built.losses(mx.array(ids), mx.array(targets), masks)).astype(np.float64)


def batch(plan) -> tuple[np.ndarray, np.ndarray]:
    sizes = plan.fixed.batch_size, plan.fixed.block_size
    ids, targets = stream(2, "test-batch").integers(0, N_VOCAB, size=(2, *sizes)).astype(np.int32)
    return ids, targets


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("with_noise", (True, False))
def test_the_reference_and_the_backends_agree(plan, backend, with_noise):
    """In float64, to 1e-13: the bound that parity derives is of this size, and float32 would be off by 1e-6."""
    ids, targets = batch(plan)
    noise = plan.noise(3, 5) if with_noise else {}
    with exact():
        got = losses(backend, "float64", plan, ids, targets, noise)
    np.testing.assert_allclose(got, forward.losses(plan, parameters(plan), ids, targets, noise), rtol=1e-13)


def test_every_mask_matters(plan):
    """A site that were left out, or read twice, would change the losses."""
    ids, targets = batch(plan)
    noise = plan.noise(3, 5)
    complete = forward.losses(plan, parameters(plan), ids, targets, noise)
    for site in plan.skeleton.noise_sites():
        without = noise | {site: np.ones_like(noise[site])}
        assert np.abs(forward.losses(plan, parameters(plan), ids, targets, without) - complete).max() > 1e-3, site


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("t", (1, 7, 15))
def test_the_past_does_not_know_the_future(plan, backend, dtype, t):
    """Losses before t are the same bits, whatever the ids from t on; the loss at t is not."""
    ids, targets = batch(plan)
    changed = ids.copy()
    changed[:, t:] = (changed[:, t:] + 1 + stream(4, "future").integers(0, N_VOCAB - 1, changed[:, t:].shape)) % N_VOCAB
    noise = plan.noise(3, 5)
    before, after = (losses(backend, dtype, plan, x, targets, noise) for x in (ids, changed))
    assert np.array_equal(before[:, :t], after[:, :t])
    assert (before[:, t] != after[:, t]).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_of_a_batch_do_not_know_each_other(plan, backend):
    ids, targets = batch(plan)
    changed = ids.copy()
    changed[1:] = changed[1:, ::-1]
    before, after = (losses(backend, "float32", plan, x, targets, plan.noise(3, 5)) for x in (ids, changed))
    assert np.array_equal(before[0], after[0]) and not np.array_equal(before[1], after[1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_distribution_is_proper_and_the_loss_is_its_entry(plan, backend):
    """log_probs sums to one over the ids, and the losses without noise are its entries."""
    ids, targets = batch(plan)
    if backend == "torch":
        built = torch_ref.model.Model(plan)
        torch_ref.model.load_parameters(built, parameters(plan))
        with torch.no_grad():
            table = built.log_probs(torch.tensor(ids).long()).double().numpy()
    else:
        with mx.stream(mx.cpu):
            built = mlx_impl.model.Model(plan)
            mlx_impl.model.load_parameters(built, parameters(plan))
            table = np.array(built.log_probs(mx.array(ids))).astype(np.float64)
    assert table.shape == (*ids.shape, N_VOCAB)
    np.testing.assert_allclose(np.exp(table).sum(-1), 1, atol=1e-5)
    entries = -np.take_along_axis(table, targets[..., None].astype(int), axis=-1)[..., 0]
    np.testing.assert_allclose(losses(backend, "float32", plan, ids, targets, {}), entries, atol=1e-4)


@pytest.mark.parametrize("load", ("torch", "mlx"))
def test_parameters_must_match(plan, load):
    backend = torch_ref.model if load == "torch" else mlx_impl.model
    built, values = backend.Model(plan), plan.initial(0)
    with pytest.raises(ValueError, match="out.weight.*one side only"):
        backend.load_parameters(built, {name: x for name, x in values.items() if name != "blocks.0.mixer.out.weight"})
    with pytest.raises(ValueError, match="out.weight has shape"):
        backend.load_parameters(built, values | {"blocks.0.mixer.out.weight": np.ones((16, 1), np.float32)})
