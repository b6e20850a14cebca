"""The backends' trainers: made on the CPU, run over some steps, moved by one ulp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mlx_impl.trainer
import torch_ref.trainer
from lyceum.corpus import Corpus
from lyceum.personas import Plan
from lyceum.rng import stream
from lyceum.training.job import Job

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
    """The trainer with every model parameter moved by one ulp, up or down at random."""
    state, generator = trainer.read(), stream(seed, "one-ulp")
    for name, value in state.items():
        if name.startswith("model."):
            towards = np.where(generator.random(value.shape) < 0.5, -np.inf, np.inf).astype(dtype)
            # Of an array without axes NumPy makes a number.
            state[name] = np.asarray(np.nextafter(value.astype(dtype), towards))
    trainer.write(state)
    return trainer
