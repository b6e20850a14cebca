"""What a persona is, as a record that can be printed: a thesis, its systems, and the recipe that trains it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


class PersonaError(ValueError):
    """A persona or system that does not exist, or cannot be built as asked."""


@dataclass(frozen=True)
class Recipe:
    """How a persona is trained: AdamW (Loshchilov & Hutter 2019), decoupled decay on matrices only.

    peak_lr: the learning rate after warm-up. warmup_steps: linear warm-up from peak_lr / warmup_steps.
    schedule: "constant", or "cosine" down to 0 at `total_steps`. clip_norm: global gradient norm.
    dropout: rate at each of the model's noise sites, rounded to 1/256.
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

    def learning_rate(self, step: int) -> float:
        """The learning rate of the update at iteration `step` (0-based)."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        if self.schedule == "constant":
            return self.peak_lr * warm
        if self.schedule == "cosine":
            return self.peak_lr * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.total_steps)))
        raise PersonaError(f"a schedule is 'constant' or 'cosine', got {self.schedule!r}")


@dataclass(frozen=True)
class Persona:
    """One thinker: his thesis, the systems that stand on his default path, and his recipe.

    systems: "persona.system" for every system that replaces a room of the baseline, in order.
    tables: training ids (N,) -> the arrays prepared once from them (category trees, counts), by name.
    parts: (sizes, tables) -> the specification of each part of the skeleton: "vocabulary", "position", "norm",
    "mixer", "mlp". A specification is a frozen dataclass in personas/; its namesake in each wing takes its fields.
    """

    name: str
    thesis: str
    systems: tuple[str, ...]
    recipe: Callable[[int], Recipe]
    tables: Callable[[np.ndarray], dict[str, np.ndarray]]
    parts: Callable[[Any, dict[str, np.ndarray]], Mapping[str, Any]]
