"""Optimizers that a user's training loop makes and calls: MLX's in float64, PyTorch's with constants moved by an ulp.

**Float64.** MLX keeps the learning rate as a float32 array and counts steps in uint64, so that beta ** step is float32
whatever the gradients are (`parity.optimizers.mlx_run` says more). Inside

    with optimizers_in_float64():
        ...                             # the user's loop, unchanged

a rate that is given as a Python number becomes a float64 array, and before an optimizer applies float64 gradients, its
counter and whatever else it stores for all parameters become float64, so that schedules and bias corrections do.

**Controls.** MLX rounds its constants to the precision of the parameters. That is much where digits cancel: of the
bias correction 1 - 0.999 it changes the fifth digit. So a control run of PyTorch's loop moves the constants of its
optimizers by one ulp as well, learning rate, betas, eps and decay, before their first step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import torch
from mlx.utils import tree_flatten
from torch.optim.optimizer import register_optimizer_step_pre_hook

from parity.bounds.envelope import one_ulp

Optimizer = optim.Optimizer


@contextmanager
def optimizers_in_float64() -> Iterator[None]:
    """Every MLX optimizer keeps float64 constants; see the module. Float32 gradients are applied as ever."""
    apply, schedule, rate = Optimizer.apply_gradients, Optimizer._maybe_schedule, Optimizer.learning_rate

    def applied(self: Optimizer, gradients: dict, parameters: dict) -> dict:
        if any(g.dtype == mx.float64 for _, g in tree_flatten(gradients)):
            for key, value in self.state.items():
                if isinstance(value, mx.array) and value.ndim == 0 and key not in gradients:
                    self.state[key] = value.astype(mx.float64)
        return apply(self, gradients, parameters)

    def scheduled(self: Optimizer, name: str, parameter: object) -> None:
        schedule(self, name, _wide(parameter))

    try:
        Optimizer.apply_gradients, Optimizer._maybe_schedule = applied, scheduled
        Optimizer.learning_rate = property(rate.fget, lambda self, value: rate.fset(self, _wide(value)))
        yield
    finally:
        Optimizer.apply_gradients, Optimizer._maybe_schedule, Optimizer.learning_rate = apply, schedule, rate


def _wide(value: object) -> object:
    """A Python number as a float64 array; arrays and schedules as they are."""
    return mx.array(value, mx.float64) if isinstance(value, int | float) else value


@contextmanager
def constants_moved(dtype: str, generator: np.random.Generator) -> Iterator[None]:
    """Every optimizer of PyTorch's that takes its first step inside has its constants moved by one ulp of `dtype`."""

    def moved(constant: object) -> object:
        if isinstance(constant, tuple):
            return tuple(moved(entry) for entry in constant)
        return float(one_ulp(np.array(constant), dtype, generator)) if isinstance(constant, float) else constant

    seen: list[torch.optim.Optimizer] = []

    def before_step(optimizer: torch.optim.Optimizer, *_: object) -> None:
        if not any(optimizer is other for other in seen):
            seen.append(optimizer)
            for group in optimizer.param_groups:
                group.update({key: moved(value) for key, value in group.items() if key != "params"})

    handle = register_optimizer_step_pre_hook(before_step)
    try:
        yield
    finally:
        handle.remove()
