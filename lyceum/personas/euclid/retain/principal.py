"""The axes of E21: the mean of some gradients, and the longest principal axes of what is left of them.

The B x B Gram matrix K of the gradients g_i has all that is needed: U = (g_1 .. g_B) Q, with Q from K and from the
eigenvectors of K less its part along u_0. A `strength` of `lyceum retain` is the share of the axes that is used.

Cost. B n numbers at once, B^2 n operations. Source: Eckart & Young 1936.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lyceum.personas.model.retain import Arrays

AXES = 32
LEAST = 1e-9  # squared length of an axis, as a part of that of all gradients: a shorter one is rounding


def axes(gradients: Iterable[Arrays], tokens: int, most: int = AXES) -> Arrays:
    """U by parameter, "axes.<parameter>" (*shape, k) float32, k <= most; directions do not depend on `tokens`."""
    drawn = list(gradients)
    shapes = {name: g.shape for name, g in drawn[0].items()}
    stacks = {name: np.stack([g[name].ravel() for g in drawn]) for name in shapes}
    combined = combinations(sum(np.matmul(x, x.T, dtype=np.float64) for x in stacks.values()), most)
    return {
        f"axes.{name}": (x.T @ combined).reshape(*shapes[name], -1).astype(np.float32) for name, x in stacks.items()
    }


def combinations(gram: np.ndarray, most: int) -> np.ndarray:
    """K (B, B) of vectors g_i -> Q (B, k): the sums of the g_i that are U."""
    mean = np.full(len(gram), gram.sum() ** -0.5)
    along = gram @ mean  # <g_i, u_0>
    squares, vectors = np.linalg.eigh(gram - np.outer(along, along))
    longest = np.argsort(-squares, kind="stable")[: most - 1]
    longest = longest[squares[longest] > LEAST * np.trace(gram)]
    vectors = vectors[:, longest]
    return np.column_stack([mean, (vectors - np.outer(mean, along @ vectors)) / np.sqrt(squares[longest])])
