"""The backends' trainers: made on the CPU, run over some steps, moved by one ulp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mlx_impl.trainer
import torch_ref.trainer
from lyceum.corpus import Corpus
from lyceum.personas import Plan
from lyceum.personas.model.optimizer import measured, rated
from lyceum.rng import stream
from lyceum.training.job import Job
from parity.bounds.envelope import one_ulp

BACKENDS = {"torch": torch_ref.trainer.Trainer, "mlx": mlx_impl.trainer.Trainer}


def make(backend: str, plan: Plan, dtype: str, seed: int = 0):
    """A backend's trainer on the CPU, where every backend has float64."""
    return BACKENDS[backend](plan, seed, "cpu", dtype)


def run(
    trainer, plan: Plan, corpus: Corpus, steps: range, seed: int = 0, watch: Callable[[Any, float], None] | None = None
) -> np.ndarray:
    """Train for the iterations `steps`; the loss of each, float64. watch: called with trainer and rate after each."""
    losses, job = [], Job(trainer, plan, corpus, plan.fixed, seed)
    for t in steps:
        losses.append(float(job.update(t)))
        if watch is not None:
            watch(trainer, plan.recipe.learning_rate(t))
    return np.array(losses)


def moved(trainer, dtype: str, seed: int):
    """The trainer, before its first step, with every model parameter moved by one ulp, up or down at random."""
    values, generator = {}, stream(seed, "one-ulp")
    for name, value in trainer.read().items():
        if name.startswith("model."):
            values[name[6:]] = one_ulp(value, dtype, generator).astype(dtype)
    return begun(trainer, values)


def begun(trainer, parameters: dict[str, np.ndarray]):
    """The trainer, before its first step, with these initial values, from which a rule for rates measures too."""
    state = trainer.read() | {f"model.{name}": value for name, value in parameters.items()}
    for name, value in parameters.items():
        if f"optimizer.origin.{name}" in state:
            state[f"optimizer.origin.{name}"] = measured(value)
    if trainer.plan.recipe.rates is not None:
        trained = {name: value for name, value in parameters.items() if f"optimizer.origin.{name}" in state}
        for group, fresh in rated(trainer.plan, trained).items():
            state |= {f"optimizer.{key}.{group}": np.asarray(x) for key, x in fresh.items()}
    trainer.write(state)
    return trainer
