"""One training step of a backend against its reference.

The reference of a step is put together from parts that are checked one by one: the mean of the losses
(`lyceum.personas.model.forward`), its gradient (`parity.project.full_model`), the clip and the optimizer
(`lyceum.personas.model.optimizer`), and the router biases (`lyceum.personas.model.router_bias`). Compared are the loss
that `Trainer.step` returns and the state that it leaves behind, parameters and moments. The bound is the deviation of
the reference under random rounding; `parity.bounds.decisions` is about masks that rounding decides. A target that is
not shifted, a mask that is not passed on, or a sum instead of a mean shows here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import torch

from lyceum.personas import Plan
from lyceum.personas.model import forward, optimizer, router_bias
from parity.bounds.decisions import Decisions, Near, decisions, words
from parity.bounds.rounding import Deviations, allowance, retry_with_more_samples
from parity.float64 import exact
from parity.project.full_model import drawn, torch_losses
from parity.project.layers import VARIANTS
from parity.project.optimizer_steps import in_torch, saved
from parity.project.trainers import begun, make
from parity.results.verdict import Verdict, compare
from parity.sides.test_point import Arrays
from parity.sides.variants import Variant, plain


def check(plan: Plan, seed: int = 0, variants: tuple[Variant, ...] = VARIANTS) -> Iterator[Verdict]:
    """Every verdict on one step from parameters in general position, at half the peak learning rate; plain variants."""
    batch, rate = drawn(plan, seed), plan.recipe.peak_lr / 2
    taken = decisions(plan, lambda: gradients(plan, batch)[1])
    rounded = Deviations(lambda: defined(plan, batch, rate, taken))
    reversed_in = {dtype: defined(plan, batch, rate, taken, near) for dtype, near in taken.near.items() if near}
    got = {variant: stepped(variant.backend, plan, batch, rate, variant.dtype) for variant in plain(variants)}
    parameters, *arguments = batch
    loss = forward.losses(plan, parameters, *arguments).mean()

    def verdicts(deviation: dict[str, float]) -> Iterator[Verdict]:
        for variant, values in got.items():
            followed = taken.followed(values, rounded.exact, reversed_in.get(variant.dtype), variant.dtype)
            oracle = defined(plan, batch, rate, taken, followed) if followed else rounded.exact
            for what, expected in ({what: x.numpy() for what, x in oracle.items()} | {"loss": loss}).items():
                bound, derivation = allowance(deviation[what], variant.dtype)
                derivation += words(what.removeprefix("model."), taken.near[variant.dtype], followed)
                yield compare(f"step: {plan.title}", str(variant), what, values[what], expected, bound, derivation)

    yield from retry_with_more_samples(rounded, verdicts)


def gradients(plan: Plan, batch: tuple) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """(the mean loss, its gradients by parameter) in PyTorch's float64."""
    _, ids, *_ = batch
    by_name = torch_losses(plan, batch, np.full(ids.shape, 1 / ids.size), torch.float64)
    return by_name.pop("output").mean(), by_name


def defined(
    plan: Plan, batch: tuple, rate: float, taken: Decisions, reverse: Near | None = None
) -> dict[str, torch.Tensor]:
    """The reference in float64: "loss", and the state after the step by its names in a checkpoint.

    taken: the decisions that rounding may not take anew. reverse: those of them to take the other way.
    """
    parameters, ids, _, noise = batch
    plan = in_torch(plan)
    loss, by_name = gradients(plan, batch)
    before = optimizer.start(plan, {name: torch.tensor(p) for name, p in parameters.items() if name in by_name})
    after = optimizer.update(before, taken.fixed(by_name, reverse or {}), torch.tensor(1.0).double(), rate, plan)
    router_biases = {}
    for name, x in router_bias.updated_router_bias(plan, parameters, ids, noise).items():
        # As a sum, which random rounding rounds.
        router_biases[f"model.{name}"] = torch.tensor(parameters[name]) + torch.tensor(x - parameters[name])
    return {"loss": loss} | saved(plan, after) | router_biases


def stepped(backend: str, plan: Plan, batch: tuple, rate: float, dtype: str) -> Arrays:
    """What a backend makes of it, as float64."""
    parameters, *arguments = batch
    with exact() if dtype == "float64" else nullcontext():
        trainer = begun(make(backend, plan, dtype), {name: p.astype(dtype) for name, p in parameters.items()})
        loss = float(trainer.step(*arguments, rate))
    return {name: np.asarray(x, np.float64) for name, x in trainer.read().items()} | {"loss": np.array(loss)}
