"""Inputs for the cases of E1: well inside the cells, where rounding cannot change the choice of experts.

Near a tie two correct programs may choose differently, and then differ by more than rounding explains. So the cases
keep clear of ties; a theorem covers the tie itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Case, representable


def squares(n_expert: int) -> np.ndarray:
    """beta of the cases, (E,): 0, 1/2 and 1/4 in turn; half of it is of a cosine's size, and decides some choices."""
    return np.array([0, 2, 1])[np.arange(n_expert) % 3] / 4


@dataclass(frozen=True)
class Cells(Case):
    """A case of experts in general position, with `squares` as beta."""

    def parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        return super().parameters(generator) | {"beta": squares(self.spec.n_expert)}


def clear(spec: Any, *shape: int, beta: np.ndarray | None = None):
    """Generator -> x (*shape, d); no rounding moves one of its tokens to another expert (`spec.gaps`).

    beta (E,): `squares` by default.
    """
    p = {"beta": squares(spec.n_expert) if beta is None else beta}

    def inputs(g: np.random.Generator) -> tuple[np.ndarray]:
        x = g.normal(size=(*shape, spec.n_embd))
        while (near := spec.gaps(p, x) < 0.1).any():
            x[near] = g.normal(size=(near.sum(), spec.n_embd))
        return (x,)

    return inputs


def draw(
    g: np.random.Generator, spec: Any, *shape: int, beta: np.ndarray | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters of `spec`, and x (*shape, d) as `clear` draws it."""
    p = Cells("", spec, None).parameters(g) | ({} if beta is None else {"beta": beta})
    return p, representable(clear(spec, *shape, beta=beta)(g)[0])
