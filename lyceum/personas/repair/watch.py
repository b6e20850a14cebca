"""The watch: which rows are hurt, decided in NumPy from distances that a backend has measured, alike for both.

    for every row:  hurt unless |w - a| <= farthest,
    farthest = (the distance that the last examination left) + (what the optimizer can have added since)

`lyceum.personas.model.optimizer.reach` is what one update can add at most; updates are followed one by one, since a row
that has grown decays more. Rounding moves a row too: `ROUNDED` of its length is allowed for. Proof that an unhurt run
is never touched: `lyceum.personas.aristotle.repair`, theorem 1.

A checkpoint holds the averages ("repair.average.<parameter>") and the distances that the last examination left
("repair.distance.<parameter>"), so that a run resumes between any two iterations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyceum.personas.model.optimizer import reach
from lyceum.personas.spec.names import below
from lyceum.personas.spec.plan import Plan

ROUNDED = 2.0**-16  # of a row's length: what rounding may move it by between two examinations
TIMES, COSINE = 4.0, -0.5  # exploded or dead: so many times longer or shorter than the average; flipped: below this


@dataclass(frozen=True)
class Damage:
    """What was found and mended. step: the iteration. name: the parameter. rows: their numbers. sort: in words."""

    step: int
    name: str
    rows: tuple[int, ...]
    sort: str

    def __str__(self) -> str:
        rows = f"row {self.rows[0]}" if len(self.rows) == 1 else f"{len(self.rows)} rows from {self.rows[0]} on"
        return f"iteration {self.step}: {self.name}, {rows}: {self.sort}; restored from the running average."


class Watch:
    """The watch over the parameters of a plan. average: the backend's `Average` of them."""

    def __init__(self, plan: Plan, average: Any):
        self.plan, self.rule, self.average = plan, plan.modules["repair"], average
        self.shapes = average.shapes()
        self.lengths = average.lengths()
        self.distances = {name: np.zeros_like(x) for name, x in self.lengths.items()}
        self.damages: list[Damage] = []

    def due(self, step: int) -> bool:
        """Whether the end of iteration `step` is the time of an examination."""
        return (step + 1) % self.rule.every == 0

    def examine(self, step: int) -> None:
        """At the end of iteration `step`: restore hurt rows, note them in `damages`, and let the averages follow."""
        rates = [self.plan.recipe.learning_rate(t) for t in range(max(0, step + 1 - self.rule.every), step + 1)]
        for name, distance in self.average.distances().items():
            hurt = ~(distance <= self.farthest(name, rates))
            if hurt.any():
                self.damages += self._sorted(step, name, hurt)
                distance = self.average.restore(name, hurt)
            self.distances[name] = distance
        if (step + 1) % self.rule.period == 0:
            self.average.follow()
            self.distances = {name: np.float32(1 - self.rule.rate) * x for name, x in self.distances.items()}
            self.lengths = self.average.lengths()

    def farthest(self, name: str, rates: list[float]) -> np.ndarray:
        """How far each row of a parameter can be from its average after updates at these rates, (rows,)."""
        distance = self.distances[name].astype(np.float64)
        most = self.lengths[name] + distance
        for rate in rates:
            step = rate * reach(self.plan, name, self.shapes[name], most)
            distance, most = distance + step, most + step
        return distance + ROUNDED * most

    def take_damages(self) -> list[Damage]:
        """What was found since the last call."""
        damages, self.damages = self.damages, []
        return damages

    def _sorted(self, step: int, name: str, hurt: np.ndarray) -> Iterator[Damage]:
        rows = np.flatnonzero(hurt)
        w, a = (x[rows].astype(np.float64) for x in self.average.pair(name))
        numbers = np.isfinite(w).all(-1)
        w = np.where(numbers[:, None], w, 0)
        size, length, product = ((x * y).sum(-1) for x, y in ((w, w), (a, a), (w, a)))
        sorts = np.select(
            [
                ~numbers,
                size > TIMES**2 * length,
                TIMES**2 * size < length,
                product < COSINE * np.sqrt(size * length),
            ],
            ["not numbers", "exploded", "dead", "flipped"],
            "moved",
        )
        for sort in dict.fromkeys(sorts):
            yield Damage(step, name, tuple(rows[sorts == sort].tolist()), str(sort))

    def read(self) -> dict[str, np.ndarray]:
        """The state for a checkpoint; the arrays are copies."""
        state = {f"repair.average.{name}": x for name, x in self.average.read().items()}
        return state | {f"repair.distance.{name}": x.copy() for name, x in self.distances.items()}

    def write(self, state: dict[str, np.ndarray]) -> None:
        """Put back what `read` of either backend returned."""
        arrays = below(state, "repair")
        self.average.write(below(arrays, "average"))
        self.lengths = self.average.lengths()
        self.distances = {name: arrays[f"distance.{name}"].astype(np.float32) for name in self.shapes}
