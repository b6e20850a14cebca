"""The diagonals of the icosahedron, and of the figures that continue it: lines through one point at equal angles.

Construction. The icosahedron has one corner at the top and five about it, a regular pentagon; its six diagonals make
equal angles (Elements XIII.16). Go on with a prime q that leaves 1 on division by 4 instead of 5: a pentagon becomes a
q-gon that goes around several planes at once, in the i-th of them by k_i corners a step, where k_1 < k_2 < .. are the
squares modulo q below q / 2, r = (q - 1) / 4 of them. So for n = q + 1 lines of m = 2r + 1 = n / 2 dimensions

    f_0 = (1, 0, .. 0),    f_j = q^(-1/2) (1, 2 cos(a_1), .. 2 cos(a_r), 2 sin(a_1), .. 2 sin(a_r)),
    a_i = 2 pi k_i j / q

for j = 1 .. q. With q = 5 these are the icosahedron's.

Equal angles. |f_j|^2 = (1 + 4r) / q = 1, and <f_0, f_j> = q^(-1/2). -1 is a square modulo q, so the squares are the k_i
and the q - k_i, and <f_j, f_l> = (1 + 2 S) / q, where S is the sum of exp(2 pi i s (j - l) / q) over all squares s.
Gauss: 1 + 2 S = +-q^(1/2), plus where j - l is a square. So all |<f, f'>| = q^(-1/2), which is Welch's bound for n
lines of m dimensions, ((n - m) / (m (n - 1)))^(1/2): no n lines are further apart.

Tight. Columns of F, the lines as rows, are perpendicular and of squared length 2: sums of cosines over a whole q-gon
vanish. So F^T F = 2.

Sources: Elements XIII.16; Gauss 1801 (sums); Paley 1933 (conference matrices); Welch 1974; Lemmens & Seidel 1973
(equiangular lines); Strohmer & Heath 2003.
"""

from __future__ import annotations

import numpy as np

from lyceum.personas.spec.errors import PersonaError


def order(d: int) -> int:
    """The greatest prime q = 4r + 1 whose lines fit into d dimensions. Raises PersonaError for d < 3."""
    for q in range(2 * d - 1, 4, -1):
        if q % 4 == 1 and all(q % divisor for divisor in range(3, int(q**0.5) + 1, 2)):
            return q
    raise PersonaError(f"the width is {d}: choose 3 or more, the dimensions of an icosahedron.")


def squares(q: int) -> np.ndarray:
    """k_1 < k_2 < .., (r,): the squares modulo q below q / 2."""
    return np.array(sorted({j * j % q for j in range(1, q)} & set(range(1, q // 2 + 1))))


def corners(q: int) -> np.ndarray:
    """k_i j modulo q, nearest to 0, (q, r) int32: which corner of the q-gon line j = 1 .. q passes in plane i."""
    half = q // 2
    return ((np.arange(1, q + 1)[:, None] * squares(q) + half) % q - half).astype(np.int32)


def frame(q: int, d: int) -> np.ndarray:
    """F, (q + 1, d) float64: a line a row, in the first (q + 1) / 2 dimensions."""
    lines = np.zeros((q + 1, d))
    lines[0, 0], planes = 1, squares(q)
    for j in range(1, q + 1):
        angle = 2 * np.pi * (planes * j % q) / q
        line = np.concatenate([[1], 2 * np.cos(angle), 2 * np.sin(angle)])
        lines[j, : len(line)] = line / np.sqrt(q)
    return lines


def signs(q: int) -> np.ndarray:
    """Paley's conference matrix, (q + 1, q + 1): 0 on the diagonal, else the sign of the inner product of two lines."""
    square = np.isin(np.arange(q), [j * j % q for j in range(1, q)])
    between = np.where(square, 1, -1)[(np.arange(q)[:, None] - np.arange(q)) % q]
    np.fill_diagonal(between, 0)
    return np.block([[np.zeros((1, 1), int), np.ones((1, q), int)], [np.ones((q, 1), int), between]])
