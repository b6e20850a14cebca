"""A rule for rates in MLX: each group of parameters gets its learning rate.

What the rule sees of a group: `lyceum.personas.model.optimizer`.
"""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from lyceum.personas.model.optimizer import measured
from mlx_impl.registry import build


def joined(values: list[mx.array]) -> mx.array:
    """The measured entries of some parameters or gradients, one after the other, (n,)."""
    return mx.concatenate([measured(x).flatten() for x in values])


def rates_of(plan, named: dict[str, mx.array]) -> Rates | None:
    """The state of the recipe's rule for rates, None if it has none. named: the parameters that are trained."""
    recipe = plan.recipe
    return None if recipe.rates is None else Rates(build(recipe.rates), plan.grouped(named), recipe.peak_lr)


class Rates:
    """The state of a rule. groups: {group: {name: parameter}}. peak_lr: the schedule's greatest learning rate."""

    def __init__(self, rule: nn.Module, groups: dict[str, dict[str, mx.array]], peak_lr: float):
        self.rule, self.peak_lr = rule, peak_lr
        self.shapes = {
            group: {name: measured(p).shape for name, p in members.items()} for group, members in groups.items()
        }
        self.origins = {group: joined([*members.values()]) for group, members in groups.items()}
        self.states = {group: rule.fresh(x) for group, x in self.origins.items()}

    def follow(
        self, parameters: dict[str, mx.array], gradients: dict[str, mx.array], lr: mx.array
    ) -> dict[str, mx.array]:
        """{group: its learning rate ()} of the update that is due, from the parameters and their clipped gradients."""
        rates, share = {}, lr / self.peak_lr
        for group, members in self.shapes.items():
            p = joined([parameters[name] for name in members])
            # A block that waits to enter has no gradient, and does not move.
            g = joined([gradients.get(name, mx.zeros_like(parameters[name])) for name in members])
            d = p - self.origins[group]
            state = self.states[group]
            new = self.rule(*state.values(), (g * d).sum(), (d * d).sum(), (g * g).sum(), share)
            self.states[group] = dict(zip(state, new, strict=True))
            self.origins[group] = self.origins[group] + (1 - self.rule.habit) * d
            rates[group] = (share if self.rule.absolute else lr) * new[0]
        return rates

    def read(self) -> dict[str, np.ndarray]:
        """The state by its names in a checkpoint; the arrays are copies."""
        state = {}
        for group, shapes in self.shapes.items():
            state |= {f"optimizer.{key}.{group}": np.array(x) for key, x in self.states[group].items()}
            ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()])
            pieces = np.split(np.array(self.origins[group]), ends[:-1])
            for (name, shape), piece in zip(shapes.items(), pieces, strict=True):
                state[f"optimizer.origin.{name}"] = piece.reshape(shape).copy()
        return state

    def write(self, state: dict[str, np.ndarray]) -> None:
        """Put back what `read` of either backend returned."""
        for group, shapes in self.shapes.items():
            dtype = self.origins[group].dtype
            values = {key: state[f"optimizer.{key}.{group}"] for key in self.states[group]}
            self.states[group] = {key: mx.array(x, dtype) for key, x in values.items()}
            pieces = [state[f"optimizer.origin.{name}"].ravel() for name in shapes]
            self.origins[group] = mx.array(np.concatenate(pieces), dtype)
