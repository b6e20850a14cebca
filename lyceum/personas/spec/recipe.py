"""How a persona is trained: the optimizer's numbers and the schedule, as a record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from lyceum.personas.spec.errors import PersonaError

# The fields that a user may set: what they may be, in words, and a test of it.
CHANGEABLE = {
    "peak_lr": ("a number above 0", lambda value: 0 < value < math.inf),
    "warmup_steps": ("an integer of at least 0", lambda value: isinstance(value, int) and value >= 0),
    "weight_decay": ("a number of at least 0", lambda value: 0 <= value < math.inf),
    "clip_norm": ("a number above 0", lambda value: 0 < value < math.inf),
    "dropout": ("a number from 0 to 1, without 1", lambda value: 0 <= value < 1),
}


class Growth(Protocol):
    """How a model grows while it is trained: a frozen dataclass, such as lyceum.personas.aristotle.grow.Growth."""

    def modules(self, modules: Mapping[str, Any]) -> Mapping[str, Any]:
        """The modules of the model before it grows, from those at the end."""

    def waiting(self, n_layer: int) -> tuple[int, ...]:
        """The blocks that are no part of it at first."""

    def steps(self, n_layer: int, total_steps: int) -> tuple[int, ...]:
        """The iterations before which it grows."""

    def initial(self, values: dict[str, np.ndarray], n_layer: int) -> dict[str, np.ndarray]:
        """The initial values of all parameters, from those that its layers draw."""

    def grow(self, trainer: Any, ids: np.ndarray, targets: np.ndarray, noise: dict[str, np.ndarray], seed: int) -> None:
        """Let the model of a trainer grow, on this batch. seed: of the run."""


@dataclass(frozen=True)
class Recipe:
    """How a persona is trained: AdamW (Loshchilov & Hutter 2019), decoupled decay on matrices only.

    hidden: the rule for the blocks' matrices instead of AdamW: a reference such as lyceum.personas.aristotle.muon.Muon.
    rates: the rule for each group's learning rate, such as lyceum.personas.aristotle.meta.Prudence.
    peak_lr: the learning rate after warm-up. warmup_steps: linear warm-up from peak_lr / warmup_steps.
    schedule: "constant", or "cosine" down to 0 at `total_steps`. clip_norm: global gradient norm.
    dropout: the rate at each noise site of the model, rounded to 1/256. growth: how the model grows in training;
    None if all of it is there from the start.
    """

    peak_lr: float
    total_steps: int
    warmup_steps: int = 0
    schedule: str = "constant"
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-8
    weight_decay: float = 0.1
    clip_norm: float = 1.0
    dropout: float = 0.0
    hidden: Any = None
    rates: Any = None
    growth: Growth | None = None

    def changed(self, values: Mapping[str, float]) -> Recipe:
        """The recipe with other values of some `CHANGEABLE` fields. Raises PersonaError, one sentence."""
        for name, value in values.items():
            if name not in CHANGEABLE:
                raise PersonaError(f"a recipe has no field {name!r} to set: choose from {', '.join(CHANGEABLE)}.")
            words, allowed = CHANGEABLE[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not allowed(value):
                raise PersonaError(f"{name} must be {words}, got {value!r}.")
        return replace(self, **values)

    def learning_rate(self, step: int) -> float:
        """The learning rate of the update at iteration `step` (0-based)."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        if self.schedule == "constant":
            return self.peak_lr * warm
        if self.schedule == "cosine":
            return self.peak_lr * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.total_steps)))
        raise PersonaError(f"a schedule is 'constant' or 'cosine', got {self.schedule!r}")
