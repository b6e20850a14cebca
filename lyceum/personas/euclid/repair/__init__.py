"""E14, the nearest perpendicular frame: hurt rows return along perpendiculars, lost rows with the motion of the others.

Idea. From a given point to a given line draw the perpendicular (Elements I.12): its foot is the nearest point of the
line. A row that was multiplied, by 100 or by -1, is still on its line, and its running average is near that: the foot
of the perpendicular from the average is nearer to what the row was than the average is, for the squares on two sides
are equal to the square on the third (I.47). A row that has left its line is lost; but the others show how the figure
has moved since, and figures are compared by laying one on the other (I.4): the lost rows of the average are carried by
the motion, a frame of perpendicular lines, that lays the others nearest to where they are.

Equations, for a matrix W (r, c) with rows w_i, its running average A, and its hurt rows (how they are detected, and the
average: `lyceum.personas.repair`):
    foot:     f_i = (<a_i, w_i> / |w_i|^2) w_i,     w_i <- f_i for hurt rows with |a_i - f_i| <= near |a_i|
    lost:     the other hurt rows L (0 and nan are on no line),     w_i <- a_i O
    motion:   O = the orthogonal matrix nearest to M,   M = sum over i not in L of a_i^T w_i + stiff |A|^2 / c 1
The moments of hurt rows become 0. A parameter that is no matrix returns to its average.

Frames made of mirrors (E5, E6) stay frames whatever becomes of their mirrors (`lyceum.personas.euclid.rope`, theorem
1): a polar projection would change nothing of them. What can be hurt are the mirrors, and these are rows. So the
nearest frame is sought where one is missing, in the motion; no hidden matrix is a frame, and none is made one.

Theorems.
 1. (foot) If w = k v with k not 0, then |a - f|^2 + |f - v|^2 = |a - v|^2, since f is the foot on the line through 0
    and v. So |f - v| <= |a - v| whatever k is; and a row with |a - v| <= near |a| is not lost.
 2. (nearest) With M = U S V^T, O = U V^T is the nearest orthogonal matrix in the Frobenius norm, and it makes
        sum over i not in L of |a_i O - w_i|^2 + stiff |A|^2 / c |O - 1|^2
    the least: both are a constant less 2 tr(O^T M), and tr(O^T M) is at most the sum of S (von Neumann).
 3. (congruent) Lost rows return with the lengths and angles of the average's: (A O)(A O)^T = A A^T.
 4. (short way) stiff |A|^2 / c |O - 1|^2 <= sum over i not in L of |a_i - w_i|^2, as O is no worse than 1. So where
    nothing has moved, or all rows are lost, lost rows return to the average itself.
 5. (unhurt) Rows that are not hurt are not touched, to the last bit; and none is detected on an unhurt run (reach,
    `lyceum.personas.aristotle.repair`).
Newton-Schulz computes O: Y <- (15 Y - 10 Y Y^T Y + 3 (Y Y^T)^2 Y) / 8 from Y = M / |M|_F keeps M's singular vectors;
singular values near 0 grow by 15/8 a step, and near 1 the distance from 1 becomes 5/2 of its cube.

What it is worth. A drill of 400 iterations (a row nan, a matrix times 100, half of a matrix 0, half of one negated):
full_vloss 0.0007 +- 0.0003 above the unhurt run; without repair nan, and 0.0199 +- 0.0011 if the nan is left out. Of
the way of a row since its average a foot gives back all but what goes along the line, of its square one part in c. The
motion gives little: on 240 iterations it explained -0.1% to 2.0% of the squared way of half of the rows (most in the
mixers' outputs), and with stiff = 0 less than nothing, for it then follows the noise of the rows that it sees. So it is
stiff; it would matter if a matrix turned as one.
Cost. One copy of the parameters, one pass over both at every second iteration: 4% to 8% of an iteration on a CPU.
Sources: Schoenemann 1966 (orthogonal Procrustes); Higham 2008 (polar factors, Newton-Schulz); Fan & Hoffman 1955.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.euclid.repair.theorems import matrices, moved, theorems
from lyceum.personas.model.newton_schulz import newton_schulz
from lyceum.personas.repair.rows import Repair
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Superposition(Repair):
    """near: how far from its line an average may be, as a share of its length. stiff: what the motion 1 counts.

    quintic, steps: those of Newton-Schulz, see `lyceum.personas.model.newton_schulz`.
    """

    near: float = 0.5
    stiff: float = 16.0
    quintic: tuple[float, float, float] = (1.875, -1.25, 0.375)
    steps: int = 16

    def foot(self, p: dict[str, np.ndarray], w: np.ndarray, a: np.ndarray) -> np.ndarray:
        """w, a (n, r, c) -> the point of each row's line that is nearest to its average."""
        greatest = np.abs(w).max(-1, keepdims=True)
        w = w / np.where(greatest == 0, 1, greatest)
        square = (w * w).sum(-1, keepdims=True)
        return (a * w).sum(-1, keepdims=True) / np.where(square == 0, 1, square) * w

    def frame(self, p: dict[str, np.ndarray], m: np.ndarray) -> np.ndarray:
        """m (n, c, c) -> the nearest orthogonal matrices."""
        return np.stack([newton_schulz(one, self.quintic, self.steps) for one in m])

    def motion(self, p: dict[str, np.ndarray], w: np.ndarray, a: np.ndarray, lost: np.ndarray) -> np.ndarray:
        """w, a (n, r, c), lost (n, r) integers -> O, (n, c, c)."""
        there = lost[..., None] == 0
        stiff = self.stiff * (a * a).sum(1).mean(-1)
        m = np.where(there, a, 0).swapaxes(1, 2) @ np.where(there, w, 0)
        return self.frame(p, m + stiff[:, None, None] * np.eye(a.shape[2]))

    def restore(self, p: dict[str, np.ndarray], w: np.ndarray, a: np.ndarray, hurt: np.ndarray) -> np.ndarray:
        """w, a (n, r, c), hurt (n, r) integers -> the matrices with their hurt rows returned."""
        foot = self.foot(p, w, a)
        near = self.length(p, a - foot) <= self.near * self.length(p, a)
        w = np.where(((hurt != 0) & near)[..., None], foot, w)
        lost = (hurt != 0) & ~near
        return np.where(lost[..., None], a @ self.motion(p, w, a, lost), w)


SPEC = Superposition()


def _hurt(*shape: int):
    """W, A and hurt rows: some multiplied, some replaced by others at right angles to the average, which are lost."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        w, a = moved(g, *shape)
        other = g.normal(size=w.shape)
        other -= (other * a).sum(-1, keepdims=True) / (a * a).sum(-1, keepdims=True) * a
        sort = g.permuted(np.broadcast_to(np.arange(shape[1]) % 3, shape[:2]), axis=1)
        factor = g.choice([-1.0, 100.0, 0.5, -3.0], shape[:2])[..., None]
        w = np.where(sort[..., None] == 1, factor * w, np.where(sort[..., None] == 2, other, w))
        return w, a, (sort > 0).astype(np.int32)

    return draw


CASES = (
    Case("superposition: foot", SPEC, lambda g: moved(g, 2, 5, 4), "foot"),
    Case("superposition: frame", SPEC, lambda g: (matrices(g, 2, 5),), "frame"),
    Case("superposition: motion", SPEC, lambda g: (*moved(g, 2, 6, 4), g.integers(0, 2, (2, 6)).astype(np.int32)),
         "motion"),
    Case("superposition: restore", SPEC, _hurt(3, 6, 4), "restore"),
    Case("superposition: restore, wide", SPEC, _hurt(2, 3, 7), "restore"),
    Case("superposition: restore, the contract's sizes", Superposition(steps=9), _hurt(1, 85, 32), "restore"),
)  # fmt: skip
THEOREMS = theorems(SPEC)

SYSTEM = System(
    "repair",
    "E14, the nearest perpendicular frame",
    job="rows that no optimizer can have moved so far return to their line, or with the others; shown by lyceum drill",
    module="repair",
    build=lambda modules, sizes, tables: {"repair": Superposition()},
)
