"""A user's training loop in either framework, run from a given start over given batches.

The loop is a *trainer*: a function of a model that returns a step, a function of a batch's arrays that returns the
loss. It is called anew for every run with a copy of the model, so that it must make its optimizer itself:

    def trainer(model):
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

        def step(x, y):
            ...
            return loss

        return step
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
import torch
from mlx import nn as mlx_nn
from mlx.utils import tree_flatten, tree_unflatten
from torch import nn as torch_nn

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.bounds.envelope import one_ulp
from parity.float64 import exact
from parity.float64.both import casts
from parity.float64.torch_mode import exact_torch
from parity.sides.mlx_side import FLOATING, as_float64
from parity.sides.test_point import Arrays, arranged
from parity.training_runs.optimizers import constants_moved, optimizers_in_float64


@dataclass(frozen=True)
class Run:
    """losses: (steps,) float64. state: the floating parameters and buffers after the last step, float64 by name."""

    losses: np.ndarray
    state: Arrays


def step_of(trainer: Callable, model: Any, backend: str) -> Callable:
    """The step that the trainer makes for this model. Raises UsageError."""
    step = trainer(model)
    if not callable(step):
        raise UsageError(
            f"{backend}_trainer must return a step, a function of the batch that returns the loss, "
            f"not {type(step).__name__}."
        )
    return step


def scalar(loss: Any, backend: str) -> Any:
    """The loss, if it is a single number. Raises UsageError."""
    shape = tuple(getattr(loss, "shape", ()))
    if not isinstance(loss, int | float) and (not hasattr(loss, "shape") or any(n != 1 for n in shape)):
        what = f"an array of shape {shape}" if shape else type(loss).__name__
        raise UsageError(f"the step of {backend}_trainer must return the loss, a single number, not {what}.")
    return loss


class TorchRunner:
    """Runs of PyTorch's loop. first: the batch on which it is seen whether the loop asks for float32 by itself."""

    def __init__(self, model: torch_nn.Module, trainer: Callable, start: Arrays, first: tuple):
        self.model, self.trainer, self.start = model, trainer, start
        self._casts = False
        self._casts = casts(lambda: self.run(start, [first], "float64"))

    def control(self, k: int, batches: list[tuple], dtype: str) -> Run:
        """The run whose start, and the constants of whose optimizer, are moved by one ulp."""
        generator = stream(k, "one-ulp")
        start = {name: one_ulp(x, dtype, generator) for name, x in self.start.items()}
        with constants_moved(dtype, generator):
            return self.run(start, batches, dtype)

    def run(self, start: Arrays, batches: list[tuple], dtype: str) -> Run:
        """The run from these parameters."""
        model, step = self.begun(start, dtype)
        with exact_torch() if dtype == "float64" and self._casts else nullcontext():
            losses = [float(self.stepped(step, batch, dtype)) for batch in batches]
        arrays = [*model.named_parameters(), *model.named_buffers()]
        state = {name: x.detach().double().numpy() for name, x in arrays if x.is_floating_point()}
        return Run(np.array(losses), state)

    def first_loss(self, batch: tuple) -> dict[str, torch.Tensor]:
        """The loss of the first batch in float64, as a tensor, for random rounding."""
        _, step = self.begun(self.start, "float64")
        with exact_torch() if self._casts else nullcontext():
            return {"loss": torch.as_tensor(self.stepped(step, batch, "float64")).detach().double().reshape(())}

    def begun(self, start: Arrays, dtype: str) -> tuple[torch_nn.Module, Callable]:
        """(a copy of the model with these parameters, its step)."""
        model = copy.deepcopy(self.model).to(getattr(torch, dtype))
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(torch.tensor(start[name]))
        return model, step_of(self.trainer, model, "torch")

    @staticmethod
    def stepped(step: Callable, batch: tuple, dtype: str) -> Any:
        """The loss of one step."""
        dtypes = {"f": getattr(torch, dtype), "b": torch.bool}
        tensors = arranged(batch, lambda _, x: torch.tensor(x, dtype=dtypes.get(x.dtype.kind, torch.int64)))
        loss = scalar(step(*tensors), "torch")
        return loss.detach() if isinstance(loss, torch.Tensor) else loss


class MlxRunner:
    """Runs of MLX's loop."""

    def __init__(self, model: mlx_nn.Module, trainer: Callable):
        self.model, self.trainer = model, trainer

    def run(self, start: Arrays, batches: list[tuple], dtype: str) -> Run:
        """The run from these parameters, by MLX's names."""
        precision = getattr(mx, dtype)
        with ExitStack() as stack:
            stack.enter_context(mx.stream(mx.cpu))
            if dtype == "float64":
                stack.enter_context(exact())
                stack.enter_context(optimizers_in_float64())
            model = copy.deepcopy(self.model)
            model.update(tree_unflatten([(name, mx.array(x, precision)) for name, x in start.items()]))
            step, losses = step_of(self.trainer, model, "mlx"), []
            for batch in batches:
                arrays = arranged(batch, lambda _, x: mx.array(x, precision) if x.dtype.kind == "f" else mx.array(x))
                loss = scalar(step(*arrays), "mlx")
                mx.eval(model.parameters())
                losses.append(float(loss) if isinstance(loss, int | float) else float(as_float64(loss).reshape(())))
            floating = [(name, x) for name, x in tree_flatten(model.parameters()) if x.dtype in FLOATING]
            return Run(np.array(losses), {name: as_float64(x) for name, x in floating})
