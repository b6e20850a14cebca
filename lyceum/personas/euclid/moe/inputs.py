"""Inputs for cases of E1: well inside the cells, where the choice is a matter of mathematics, never of rounding.

Near a tie two right programs may choose differently, and then differ by more than rounding explains. So the cases keep
clear of ties; what happens at one is a theorem's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Case, representable


def squares(n_expert: int) -> np.ndarray:
    """beta of the cases, (E,): 0, 1/2 and 1/4 in turn. Halved they are of a cosine's size, and decide some choices."""
    return np.array([0, 2, 1])[np.arange(n_expert) % 3] / 4


@dataclass(frozen=True)
class Cells(Case):
    """A case of experts in general position with such circles."""

    def parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        return super().parameters(generator) | {"beta": squares(self.spec.n_expert)}


def clear(spec: Any, *shape: int, beta: np.ndarray | None = None):
    """Generator -> an array of this shape, of tokens of which no rounding moves one to another expert (`spec.gaps`).

    beta (E,): the circles, `squares` by default.
    """
    p = {"beta": squares(spec.n_expert) if beta is None else beta}

    def inputs(g: np.random.Generator) -> tuple[np.ndarray]:
        x = g.normal(size=(*shape, spec.n_embd))
        while (near := spec.gaps(p, x) < 0.1).any():
            x[near] = g.normal(size=(near.sum(), spec.n_embd))
        return (x,)

    return inputs


def posed(
    g: np.random.Generator, spec: Any, *shape: int, beta: np.ndarray | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters for `spec`, and such an input."""
    p = Cells("", spec, None).parameters(g) | ({} if beta is None else {"beta": beta})
    return p, representable(clear(spec, *shape, beta=beta)(g)[0])
