"""The whole model of a plan against its definition: losses and every gradient.

Rooms that are right can be wired wrongly: a norm in the place of another, a mask at the wrong site, a target that is
not shifted. So the skeleton is held to `personas.model` as every room is to its definition: losses (B, T) under this
step's noise, and the gradient of <losses, c> in every parameter, with a random cotangent c.

Parameters are the plan's initial values plus normal noise, so that none is in a special position (a head of zeros
would hide what is upstream of it). Bounds as in `parity.rounding`.
"""

from __future__ import annotations

from collections.abc import Iterator

import mlx.core as mx
import numpy as np
import torch
from mlx.utils import tree_flatten

import mlx_impl.model
import torch_ref.model
from corpus.chance import stream
from parity.judge import held, slope
from parity.rooms import Arrays, as_float64
from parity.rounding import spreads
from parity.verdict import Verdict
from personas import Plan, model
from personas.case import Case, representable

SPREAD = 0.2  # of the noise on the initial values


def drawn(plan: Plan, seed: int) -> tuple[Arrays, np.ndarray, np.ndarray, Arrays]:
    """(parameters, ids, targets, dropout masks) of one batch; the targets are drawn apart from the ids."""
    generator, sizes = stream(seed, f"whole/{plan.name}"), (plan.fixed.batch_size, plan.fixed.block_size)
    parameters = {
        name: representable(value + SPREAD * generator.normal(size=value.shape))
        for name, value in plan.initial(seed).items()
    }
    n_vocab = (
        plan.parts["vocabulary"].log_probs(model.below(parameters, "vocabulary"), np.zeros(plan.fixed.n_embd)).shape[-1]
    )
    ids, targets = generator.integers(0, n_vocab, size=(2, *sizes)).astype(np.int32)
    return parameters, ids, targets, plan.noise(seed, 0)


def torch_losses(plan: Plan, batch: tuple, cotangent: np.ndarray, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """PyTorch's losses as "output", and the gradients of <losses, cotangent> by parameter."""
    parameters, ids, targets, noise = batch
    wing = torch_ref.model.Model(plan).to(dtype)
    torch_ref.model.load_parameters(wing, parameters)
    masks = {site: torch.tensor(mask, dtype=dtype) for site, mask in noise.items()}
    losses = wing.losses(torch.tensor(ids).long(), torch.tensor(targets).long(), masks)
    named = dict(wing.named_parameters())
    weight = torch.tensor(cotangent, dtype=dtype)
    gradients = torch.autograd.grad(losses, list(named.values()), weight, materialize_grads=True)
    return {"output": losses.detach()} | dict(zip(named, gradients, strict=True))


def mlx_losses(plan: Plan, batch: tuple, cotangent: np.ndarray, dtype: str) -> Arrays:
    """The same in MLX, as float64."""
    parameters, ids, targets, noise = batch
    with mx.stream(mx.cpu):
        kind, wing = getattr(mx, dtype), mlx_impl.model.Model(plan)
        mlx_impl.model.load_parameters(wing, parameters, kind)
        masks, weight = {site: mx.array(mask, kind) for site, mask in noise.items()}, mx.array(cotangent, kind)

        def paired(tree: dict) -> tuple[mx.array, mx.array]:
            wing.update(tree)
            losses = wing.losses(mx.array(ids), mx.array(targets), masks)
            return (losses * weight).sum(), losses

        (_, losses), gradients = mx.value_and_grad(paired)(wing.trainable_parameters())
        return {"output": as_float64(losses)} | {name: as_float64(g) for name, g in tree_flatten(gradients)}


def check(plan: Plan, seed: int = 0) -> Iterator[Verdict]:
    """Every verdict on the losses and gradients of the whole model, with the legs of `parity.judge`."""
    batch, name = drawn(plan, seed), f"model: {plan.name}"
    parameters, ids, targets, noise = batch
    cotangent = representable(stream(seed, "whole-cotangent").normal(size=ids.shape))
    defined = Case(name, lambda p: model.losses(plan, p, ids, targets, noise), lambda g: ())
    oracle = {what: x.numpy() for what, x in torch_losses(plan, batch, cotangent, torch.float64).items()}
    spread = spreads(lambda: torch_losses(plan, batch, cotangent, torch.float64))

    def run(wing: str, dtype: str) -> Arrays:
        if wing == "mlx":
            return mlx_losses(plan, batch, cotangent, dtype)
        tensors = torch_losses(plan, batch, cotangent, getattr(torch, dtype))
        return {what: x.double().numpy() for what, x in tensors.items()}

    yield slope(defined, parameters, (), cotangent, oracle, stream(seed, "whole-direction"))
    yield from held(name, oracle, defined.spec(parameters), spread, run)
