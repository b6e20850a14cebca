"""One whole training step of a wing against its definition.

A step is defined by putting together what has been proved already: the mean of the losses (`personas.model`), its
gradient (`parity.whole`), the clip and the optimizer (`personas.descent`), and the balances (`personas.balance`).
Compared are the loss that `Trainer.step` returns and the state that it leaves behind, parameters and moments; the bound
is the spread of the definition under random rounding; a mask that is decided by rounding is dealt with in
`parity.decisions`. This is where a target that is not shifted, a mask that is not passed on, or a sum in place of a
mean shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import torch

from parity.adamw_check import saved
from parity.decisions import Decisions, Near, decisions, words
from parity.exact import exact
from parity.legs import Leg, plain
from parity.problem import Arrays
from parity.rooms import LEGS
from parity.rounding import Spreads, allowance, settled
from parity.trainers import make
from parity.verdict import Verdict, compare
from parity.whole import drawn, torch_losses
from personas import Plan, balance, descent, model


def check(plan: Plan, seed: int = 0, legs: tuple[Leg, ...] = LEGS) -> Iterator[Verdict]:
    """Every verdict on one step from parameters in general position, at half the peak learning rate.

    Of the legs, those of `parity.legs.plain`.
    """
    batch, rate = drawn(plan, seed), plan.recipe.peak_lr / 2
    taken = decisions(plan, lambda: gradients(plan, batch)[1])
    rounded = Spreads(lambda: defined(plan, batch, rate, taken))
    reversed_in = {dtype: defined(plan, batch, rate, taken, near) for dtype, near in taken.near.items() if near}
    got = {leg: stepped(leg.wing, plan, batch, rate, leg.dtype) for leg in plain(legs)}
    parameters, *arguments = batch
    loss = model.losses(plan, parameters, *arguments).mean()

    def verdicts(spread: dict[str, float]) -> Iterator[Verdict]:
        for leg, values in got.items():
            followed = taken.followed(values, rounded.exact, reversed_in.get(leg.dtype), leg.dtype)
            oracle = defined(plan, batch, rate, taken, followed) if followed else rounded.exact
            for what, expected in ({what: x.numpy() for what, x in oracle.items()} | {"loss": loss}).items():
                bound, derivation = allowance(spread[what], leg.dtype)
                derivation += words(what.removeprefix("model."), taken.near[leg.dtype], followed)
                yield compare(f"step: {plan.title}", str(leg), what, values[what], expected, bound, derivation)

    yield from settled(rounded, verdicts)


def gradients(plan: Plan, batch: tuple) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """(the mean loss, its gradients by parameter) in PyTorch's float64."""
    _, ids, *_ = batch
    found = torch_losses(plan, batch, np.full(ids.shape, 1 / ids.size), torch.float64)
    return found.pop("output").mean(), found


def defined(
    plan: Plan, batch: tuple, rate: float, taken: Decisions, reverse: Near | None = None
) -> dict[str, torch.Tensor]:
    """The definition in float64: "loss", and the state after it by its names in a checkpoint.

    taken: the decisions that rounding does not get to take anew. reverse: those of them to take the other way.
    """
    parameters, ids, _, noise = batch
    loss, found = gradients(plan, batch)
    before = descent.start(plan, {name: torch.tensor(p) for name, p in parameters.items() if name in found})
    after = descent.update(before, taken.held(found, reverse or {}), torch.tensor(1.0).double(), rate, plan)
    moved = {name: x - parameters[name] for name, x in balance.settled(plan, parameters, ids, noise).items()}
    balances = {f"model.{name}": torch.tensor(parameters[name]) + torch.tensor(x) for name, x in moved.items()}
    return {"loss": loss} | saved(plan, after) | balances


def stepped(wing: str, plan: Plan, batch: tuple, rate: float, dtype: str) -> Arrays:
    """What a wing makes of it, as float64."""
    parameters, *arguments = batch
    with exact() if dtype == "float64" else nullcontext():
        trainer = make(wing, plan, dtype)
        start = {f"model.{name}": p.astype(dtype) for name, p in parameters.items()}
        trainer.write(trainer.read() | start)
        loss = float(trainer.step(*arguments, rate))
    return {name: np.asarray(x, np.float64) for name, x in trainer.read().items()} | {"loss": np.array(loss)}
