"""Inputs for cases of E1: well inside the cells, where the choice is a matter of mathematics, never of rounding.

Near a tie two right programs may choose differently, and then differ by more than rounding explains. So the cases keep
clear of ties; what happens at one is a theorem's business.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from personas.case import Case, representable


def clear(spec: Any, *shape: int):
    """Generator -> an array of this shape, of tokens of which no rounding moves one to another expert (`spec.gaps`)."""

    def inputs(g: np.random.Generator) -> tuple[np.ndarray]:
        x = g.normal(size=(*shape, spec.n_embd))
        while (near := spec.gaps({}, x) < 0.1).any():
            x[near] = g.normal(size=(near.sum(), spec.n_embd))
        return (x,)

    return inputs


def posed(g: np.random.Generator, spec: Any, *shape: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters for `spec`, and such an input."""
    return Case("", spec, None).parameters(g), representable(clear(spec, *shape)(g)[0])
