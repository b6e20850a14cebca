"""Gram-Schmidt: from lines in any position, lines at right angles, in the same order.

Equations, for vectors x_1 .. x_n in R^d, in order:
    e_k = x_k - sum over j < k of <x_k, q_j> q_j,     q_k = e_k / |e_k|,     R[k, j] = <q_k, x_j>
e_k is the perpendicular from x_k on the space of the vectors before it, and |e_k| the distance from there. Where it is
at most `NEAR` |x_k| it is rounding: x_k brings nothing new, and q_k = 0.

Theorems, where no q is 0 (else up to NEAR).
 1. <q_j, q_k> = 0 for j != k, and 1 for j = k, by induction.
 2. R is upper triangular with R[k, k] = |e_k| > 0: x_j lies in the space of q_1 .. q_j. So x_j = sum_k R[k, j] q_k.
 3. (Pythagoras) |x_j|^2 = sum_k R[k, j]^2, and R^T R is the Gram matrix of the x: its Cholesky factor.
 4. (isometry) R does not change if one rotation or reflection turns all x.

All projections are taken twice: what rounding leaves of the first time is as far below e_k as e_k may be below x_k
(Giraud, Langou & Rozloznik 2005: twice is enough).

Cost. 4 n^2 d operations for n vectors, in n steps. Sources: Elements XI.11, I.47; Gram 1883, Schmidt 1907.
"""

from __future__ import annotations

import numpy as np

NEAR = 1e-5  # the least part of a vector, of its length, that is new
TINY = 1e-24  # the least squared length that is divided by


def directions(vectors: np.ndarray) -> np.ndarray:
    """x (..., n, d) -> q, the same shape; 0 where a vector lies among those before it."""
    lines: list[np.ndarray] = []
    for x in np.moveaxis(vectors, -2, 0):
        rest = x
        for _ in range(2):
            for q in lines:
                rest = rest - (rest * q).sum(-1, keepdims=True) * q
        square = (rest**2).sum(-1, keepdims=True)
        is_new = square > NEAR**2 * (x**2).sum(-1, keepdims=True)
        lines.append(np.where(is_new, rest / np.sqrt(np.maximum(square, TINY)), 0))
    return np.stack(lines, -2)


def triangle(vectors: np.ndarray) -> np.ndarray:
    """x (..., n, d) -> R (..., n, n)."""
    return np.triu(directions(vectors) @ np.swapaxes(vectors, -1, -2))
