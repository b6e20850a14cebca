"""Decisions that rounding may take either way: the mask of A7 near G = 0.

C is a continuous function of U but not of G (`lyceum.personas.aristotle.muon`): as G_ij passes through 0 its weight
moves by a full entry of the step, or not at all. So where G_ij is within the rounding of a gradient, two right
computations may differ by far more than rounding. This is handled explicitly:

One step (`parity.project.step`). A decision is *near* if |G_ij| is within the bound of the gradient itself. Under
random rounding near decisions are fixed, so that they widen no bound. Where a backend took one the other way, the
reference follows it (G_ij, which is rounding error, changes its sign), everything is compared as usual, and the
verdict's derivation counts the decisions. A decision that is not near is not followed, so the verdict fails.

Full runs (`parity.project.training`). Every step shows which weights took part: those that moved by more than the
decay. The decisions on which two runs differ are counted. In float64 there are none (of 3,000,000 in 500 steps each is
near with a probability of about 1e-15), and none are allowed for. In float32 a control whose nearest decision in every
matrix is reversed at the second step measures how far so many reversals carry the loss; its distance is allowed from
the step at which the runs first differ on a decision, never before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lyceum.personas import Plan
from parity.bounds.rounding import UNIT, Deviations, allowance

Near = dict[str, Tensor]  # by hidden matrix: which entries may go either way
CLEAR = 1e-3  # of a step: below, a weight that moved differs from one that did not by less than this changes the loss


def decides(plan: Plan) -> bool:
    """Whether the plan's rule for hidden matrices has such decisions."""
    return getattr(plan.recipe.hidden, "masked_by_sign", False)


@dataclass(frozen=True)
class Decisions:
    """The decisions of one step. gradients: exact, of the hidden matrices. near: by precision, which may go either way.

    A decision that is near in one precision is near in every lower one.
    """

    gradients: dict[str, Tensor]
    near: dict[str, Near]

    def fixed(self, gradients: dict[str, Tensor], reverse: Near) -> dict[str, Tensor]:
        """All gradients, the near ones with their exact sign or, where `reverse` says so, with the other."""
        fixed = {}
        for name, one in self.near["float32"].items():
            sign = self.gradients[name].sign()
            sign = torch.where(reverse[name], -sign, sign) if name in reverse else sign
            fixed[name] = torch.where(one, gradients[name].abs() * sign, gradients[name])
        return gradients | fixed

    def followed(self, state: dict[str, np.ndarray], exact: dict, reverse: dict, dtype: str) -> Near:
        """The near decisions that a backend took the other way: its weights are nearer to `reverse` than to `exact`.

        state: the backend's, by the names in a checkpoint. exact: the reference's. reverse: the reference's with all
        near decisions reversed.
        """
        other_way = {}
        for name, near in self.near[dtype].items():
            got = state[f"model.{name}"]
            unlike_exact, unlike_reverse = (np.abs(got - x[f"model.{name}"].numpy()) for x in (exact, reverse))
            other_way[name] = near & torch.from_numpy(unlike_reverse < unlike_exact)
        return {name: entries for name, entries in other_way.items() if entries.any()}


def decisions(plan: Plan, gradients: Callable[[], dict[str, Tensor]]) -> Decisions:
    """The decisions of the step that has these gradients, by parameter; none if the plan's rule has none."""
    if not decides(plan):
        return Decisions({}, {dtype: {} for dtype in ("float32", "float64")})
    rounded = Deviations(gradients)
    deviation = rounded.of(rounded.enough)
    hidden = {name: g for name, g in rounded.exact.items() if plan.is_hidden(name, g)}
    near = {}
    for dtype in ("float32", "float64"):
        within = {name: (g.abs() <= allowance(deviation[name], dtype)[0]) & (g != 0) for name, g in hidden.items()}
        near[dtype] = {name: entries for name, entries in within.items() if entries.any()}
    return Decisions(hidden, near)


def words(name: str, near: Near, followed: Near) -> str:
    """What is added to the derivation of a verdict on a parameter; nothing where no decision was near."""
    if name not in near:
        return ""
    other = int(followed[name].sum()) if name in followed else 0
    return f"; of {int(near[name].sum())} decisions near G = 0, {other} went the other way and were followed"


class Watch:
    """Which weights took part in each step of a run: (weights,) of each, clearly so (`taken`) and clearly not (`left`).

    Called after every step with the trainer and the learning rate; records nothing where the plan has no decisions.
    """

    def __init__(self, plan: Plan, trainer):
        self.plan, self.taken, self.left = plan, [], []
        self._weights = self._read(trainer)

    def __call__(self, trainer, lr: float) -> None:
        if not decides(self.plan):
            return
        before, self._weights = self._weights, self._read(trainer)
        eta = self.plan.recipe.hidden.rate * lr
        moved = np.abs(self._weights - before * (1 - eta * self.plan.recipe.hidden.weight_decay))
        # A move that the rounding of the weight may hide is no decision.
        clear = np.maximum(CLEAR * eta, 8 * UNIT[str(before.dtype)] * np.abs(before))
        self.taken.append(moved > 2 * clear)
        self.left.append(moved < clear)

    def continued(self, steps: int, trainer) -> Watch:
        """A watch that has seen the first `steps` of this run and goes on with another trainer."""
        watch = Watch(self.plan, trainer)
        watch.taken, watch.left = self.taken[:steps], self.left[:steps]
        return watch

    def _read(self, trainer) -> np.ndarray:
        state = trainer.read()
        values = {name: value for name, value in state.items() if name.startswith("model.")}
        hidden = (value.ravel() for name, value in values.items() if self.plan.is_hidden(name[6:], value))
        return np.concatenate([np.empty(0), *hidden], dtype=next(iter(values.values())).dtype)


def divergences(one: Watch, other: Watch) -> tuple[int, int | None]:
    """(on how many decisions two runs of equally many steps differ, at which step first)."""
    pairs = zip(one.taken, one.left, other.taken, other.left, strict=True)
    counts = [int((a & d | b & c).sum()) for a, b, c, d in pairs]
    return sum(counts), next((t for t, count in enumerate(counts) if count), None)


def reversing(trainer, plan: Plan, at: int = 1):
    """A trainer of the PyTorch backend whose nearest decision in every hidden matrix is reversed at iteration `at`."""
    for name, p in trainer.named.items():
        if plan.is_hidden(name, p):
            p.register_hook(_reversal(at))
    return trainer


def _reversal(at: int) -> Callable[[Tensor], Tensor]:
    """A hook on a gradient: at its call number `at` (0-based) the entry nearest to 0 changes its sign."""
    calls = iter(range(at + 1))

    def hook(g: Tensor) -> Tensor:
        if next(calls, None) != at:
            return g
        size = torch.where(g == 0, torch.inf, g.abs())
        return torch.where(size == size.min(), -g, g)

    return hook
