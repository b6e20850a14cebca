"""The faults of a drill: what is done to which parameter, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lyceum.personas import Plan
from lyceum.rng import stream

FACTOR = 100.0
FIRST, LAST = 0.2, 0.8  # shares of the run between which they strike


@dataclass(frozen=True)
class Fault:
    """step: the iteration before which it strikes. sort: in words. name: the matrix. rows: their numbers."""

    step: int
    sort: str
    name: str
    rows: np.ndarray

    def strike(self, trainer) -> None:
        """Hurt the trainer's model."""
        state = trainer.read()
        matrix = state[f"model.{self.name}"]
        matrix[self.rows] = SORTS[self.sort][1](matrix[self.rows])
        trainer.write(state)

    def __str__(self) -> str:
        rows = f"row {self.rows[0]}" if len(self.rows) == 1 else f"{len(self.rows)} rows"
        return f"iteration {self.step}: {self.name}, {rows}: {self.sort}"


# sort -> (what share of the rows of a matrix, 0 for one row; what becomes of them)
SORTS: dict[str, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {
    "nan": (0.0, lambda x: np.full_like(x, np.nan)),
    "times 100": (1.0, lambda x: FACTOR * x),
    "zero": (0.5, np.zeros_like),
    "sign changed": (0.5, lambda x: -x),
}


def draw(plan: Plan, seed: int, steps: int) -> list[Fault]:
    """One fault of each sort, at times that follow each other, each in another matrix of a block."""
    generator = stream(seed, "drill")
    shapes = {name: value.shape for name, value in plan.initial(seed).items()}
    names = generator.permutation([name for name, s in shapes.items() if name.startswith("blocks.") and len(s) == 2])
    edges = np.linspace(FIRST * steps, LAST * steps, len(SORTS) + 1).astype(int)
    faults = []
    for (sort, (share, _)), name, low, high in zip(SORTS.items(), names, edges, edges[1:], strict=False):
        n = shapes[name][0]
        rows = np.sort(generator.permutation(n)[: max(1, int(share * n))])
        faults.append(Fault(int(generator.integers(low, high)), sort, str(name), rows))
    return faults
