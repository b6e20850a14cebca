"""A rule for matrices as an MLX optimizer: parameters of equal shape are stacked, so that a step is few kernels."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_map


class Stacked(optim.Optimizer):
    """rule: (W, *state, G, lr) -> (W, *state) on stacks of n; its `fresh` names the state of a parameter, such as M."""

    def __init__(self, rule: Callable[..., tuple[mx.array, ...]], learning_rate: float):
        super().__init__()
        self.rule = rule
        self.learning_rate = learning_rate
        self._gathered: list[tuple[mx.array, mx.array, dict]] = []

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """Sets the initial state of one parameter."""
        state.update(self.rule.fresh(parameter))

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """The parameters after one update, as a tree like that of the gradients."""
        indices = super().apply_gradients(gradients, parameters)
        gathered, self._gathered = self._gathered, []
        new, by_shape = {}, {}
        for index, (gradient, *_) in enumerate(gathered):
            by_shape.setdefault(gradient.shape, []).append(index)
        for alike in by_shape.values():
            new |= zip(alike, self._updated([gathered[index] for index in alike]), strict=True)
        return tree_map(lambda index: new[index], indices)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> int:
        """Appends the parameter to those of this update, and returns its index there."""
        self._gathered.append((gradient, parameter, state))
        return len(self._gathered) - 1

    def _updated(self, alike: list[tuple[mx.array, mx.array, dict]]) -> mx.array:
        gradients, parameters, states = zip(*alike, strict=True)
        names = list(self.rule.fresh(parameters[0]))
        old_states = ([state[name] for state in states] for name in names)
        new, *new_states = self.rule(*(mx.stack(x) for x in (parameters, *old_states, gradients)), self.learning_rate)
        for state, *values in zip(states, *new_states, strict=True):
            state.update(zip(names, values, strict=True))
        return new
