"""Rotations without rounding errors, for theorems about what does not depend on the axes."""

from __future__ import annotations

import numpy as np

QUARTER = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2


def exact_rotation(g: np.random.Generator, n: int) -> np.ndarray:
    """An orthogonal matrix (4 n, 4 n), perhaps with a reflection. Its entries are multiples of 1/4, so that its product
    with numbers of few digits is exact in float32.
    """
    q = np.eye(4 * n)
    for _ in range(2):
        q = np.kron(np.eye(n), QUARTER) @ (q[g.permutation(4 * n)] * g.choice([-1, 1], (4 * n, 1)))
    return q
