"""A rule for rates in PyTorch: each group of parameters gets its learning rate.

What the rule sees of a group: `lyceum.personas.model.optimizer`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lyceum.personas.model.optimizer import measured
from torch_ref.registry import build


def joined(values: list[Tensor]) -> Tensor:
    """The measured entries of some parameters or gradients, one after the other, (n,), as a copy."""
    return torch.cat([measured(x.detach()).flatten() for x in values])


def rates_of(plan, named: dict[str, nn.Parameter]) -> Rates | None:
    """The state of the recipe's rule for rates, None if it has none. named: the parameters that are trained."""
    recipe = plan.recipe
    return None if recipe.rates is None else Rates(build(recipe.rates), plan.grouped(named), recipe.peak_lr)


class Rates:
    """The state of a rule. groups: {group: {name: parameter}}. peak_lr: the schedule's greatest learning rate."""

    def __init__(self, rule: nn.Module, groups: dict[str, dict[str, nn.Parameter]], peak_lr: float):
        self.rule, self.groups, self.peak_lr = rule, groups, peak_lr
        self.origins = {group: joined([*members.values()]) for group, members in groups.items()}
        self.states = {group: rule.fresh(x) for group, x in self.origins.items()}

    @torch.no_grad()
    def follow(self, lr: float) -> dict[str, Tensor]:
        """{group: its learning rate ()} of the update that is due, from the parameters and their clipped gradients."""
        rates, share = {}, lr / self.peak_lr
        for group, members in self.groups.items():
            p = joined([*members.values()])
            # A block that waits to enter has no gradient, and does not move.
            g = joined([torch.zeros_like(x) if x.grad is None else x.grad for x in members.values()])
            d = p - self.origins[group]
            state = self.states[group]
            new = self.rule(*state.values(), g @ d, d @ d, g @ g, share)
            self.states[group] = dict(zip(state, new, strict=True))
            self.origins[group] = self.origins[group] + (1 - self.rule.habit) * d
            rates[group] = (share if self.rule.absolute else lr) * new[0]
        return rates

    def read(self) -> dict[str, np.ndarray]:
        """The state by its names in a checkpoint; the arrays are copies."""
        state = {}
        for group, members in self.groups.items():
            state |= {f"optimizer.{key}.{group}": x.cpu().numpy().copy() for key, x in self.states[group].items()}
            shapes = [measured(p).shape for p in members.values()]
            pieces = self.origins[group].split([shape.numel() for shape in shapes])
            for name, shape, piece in zip(members, shapes, pieces, strict=True):
                state[f"optimizer.origin.{name}"] = piece.view(shape).cpu().numpy().copy()
        return state

    def write(self, state: dict[str, np.ndarray]) -> None:
        """Put back what `read` of either backend returned."""
        for group, members in self.groups.items():
            origins = self.origins[group]
            values = {key: torch.from_numpy(state[f"optimizer.{key}.{group}"]) for key in self.states[group]}
            self.states[group] = {key: x.to(origins) for key, x in values.items()}
            pieces = [torch.from_numpy(state[f"optimizer.origin.{name}"]).flatten() for name in members]
            self.origins[group] = torch.cat(pieces).to(origins)
