"""The full model of a plan against its reference: losses and every gradient.

Layers that are right can be wired wrongly: two norms exchanged, a mask at the wrong site, a target that is not shifted.
So the skeleton is compared with `lyceum.personas.model.forward` as every layer is with its reference: losses (B, T)
under a step's noise, and the gradient of <losses, c> in every parameter, with a random cotangent c.

Parameters are the plan's initial values plus normal noise, so that none is in a special position (a head of zeros
would hide what is upstream of it). Bounds as in `parity.bounds.rounding`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

import mlx_impl.model
import torch_ref.model
from lyceum.personas import Plan
from lyceum.personas.model import forward, router_bias
from lyceum.personas.spec.case import representable
from lyceum.personas.spec.names import below
from lyceum.rng import stream
from parity.compare.attempts import computed
from parity.compare.pair import Pair
from parity.compare.verdicts import compare_pair
from parity.project.layers import VARIANTS
from parity.results.verdict import Verdict
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Arrays, Point, draw_point
from parity.sides.torch_side import TorchSide
from parity.sides.variants import Variant

NOISE = 0.2  # the deviation of what is added to the initial values
CLEAR = 1e-3  # the least margin of a choice: a slope is measured along a line that must not cross a tie


def evidence(plan: Plan, ids: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the plan's memory brings to a batch, as numbers that no precision rounds."""
    return tuple(representable(x) for x in plan.evidence(ids, targets))


def drawn(plan: Plan, seed: int) -> tuple[Arrays, np.ndarray, np.ndarray, Arrays]:
    """(parameters, ids, targets, dropout masks) of one batch; the targets are drawn apart from the ids.

    Drawn anew while a choice of some layer is within CLEAR of a tie, where rounding would decide it.
    """
    generator = stream(seed, f"model-point/{plan.name}")
    while True:
        parameters, ids, targets, noise = _draw(plan, seed, generator)
        if router_bias.margin(plan, parameters, ids, noise) >= CLEAR:
            return parameters, ids, targets, noise


def _draw(plan: Plan, seed: int, generator: np.random.Generator) -> tuple[Arrays, np.ndarray, np.ndarray, Arrays]:
    sizes = plan.fixed.batch_size, plan.fixed.block_size
    parameters = {
        name: representable(value + NOISE * generator.normal(size=value.shape))
        for name, value in plan.initial(seed).items()
    }
    vocabulary = plan.modules["vocabulary"]
    n_vocab = vocabulary.log_probs(below(parameters, "vocabulary"), np.zeros(plan.width())).shape[-1]
    ids, targets = generator.integers(0, n_vocab, size=(2, *sizes)).astype(np.int32)
    return parameters, ids, targets, plan.noise(seed, 0)


def torch_losses(plan: Plan, batch: tuple, cotangent: np.ndarray, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """PyTorch's losses as "output", and the gradients of <losses, cotangent> by parameter."""
    parameters, ids, targets, noise = batch
    backend = torch_ref.model.Model(plan).to(dtype)
    torch_ref.model.load_parameters(backend, parameters)
    masks = {site: torch.tensor(mask, dtype=dtype) for site, mask in noise.items()}
    losses = backend.losses(torch.tensor(ids).long(), torch.tensor(targets).long(), masks)
    named = {name: p for name, p in backend.named_parameters() if p.requires_grad}
    weight = torch.tensor(cotangent, dtype=dtype)
    gradients = torch.autograd.grad(losses, list(named.values()), weight, materialize_grads=True)
    return {"output": losses.detach()} | dict(zip(named, gradients, strict=True))


def pair_of(plan: Plan) -> Pair:
    """The full model as a pair: (ids, targets, noise) -> losses."""

    def losses(backend: Any, *batch: Any) -> Any:
        return backend.losses(*batch)

    def defined(parameters: Arrays, *batch: Any) -> np.ndarray:
        return forward.losses(plan, parameters, *batch)

    sides = TorchSide(torch_ref.model.Model(plan), losses), MlxSide(mlx_impl.model.Model(plan), losses)
    return Pair(f"model: {plan.title}", *sides, reference=defined)


def check(plan: Plan, seed: int = 0, variants: tuple[Variant, ...] = VARIANTS) -> Iterator[Verdict]:
    """Every verdict on the losses and gradients of the full model.

    First as it is trained, without a memory; then with the memory, if the plan is a persona's default: a memory reads
    the head alone, so the other compositions with it compare nothing new.
    """
    yield from computed(compare_pair(*pair_and_point(plan, seed), variants))
    if "memory" in plan.modules and plan.systems == plan.persona.default:
        yield from computed(compare_pair(*pair_and_point(plan, seed, with_memory=True), variants))


def pair_and_point(plan: Plan, seed: int = 0, with_memory: bool = False) -> tuple[Pair, Point]:
    """The full model as a pair and a point at the batch that `seed` draws; with_memory: with the plan's memory."""
    parameters, *batch = drawn(plan, seed)
    if with_memory:
        batch.append(evidence(plan, *batch[:2]))
    pair, generator = pair_of(plan), stream(seed, "model-cotangent")
    losses = {"output": pair.reference(parameters, *batch)}
    return pair, draw_point(parameters, tuple(batch), losses, generator)
