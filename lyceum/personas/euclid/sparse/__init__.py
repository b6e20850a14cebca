"""E18, the nearest k entries: a perceptron whose hidden vector is projected on the vectors with k entries.

Idea. Of all points that k coordinates can name, take the one at the least distance: the foot of the perpendicular,
which is the least of the lines from a point to a line (I.12, 19). A perceptron then adds up k rows of its second
matrix, whatever the others are.

Equations, for x in R^d and a perceptron with features h(x) in R^n and rows w_i, one for each (a gated perceptron: its
hidden layer, and the columns of W_down; E15: its lines times their gains):
    P(h) = h on the k entries of greatest modulus, 0 elsewhere,     y = sum_i P(h(x))_i w_i
Of equal moduli the lower index comes first. There is no threshold and nothing to learn or to balance: k rows for every
token, where A18 has a share of tokens.

Theorems (`lyceum.personas.euclid.sparse.theorems`).
 1. Nearest: |h - P(h)| <= |h - z| for every z with k entries. Proof: a z with the support S is at least as far from h
    as h outside of S is long, with equality for h on S; and that is least where S has the greatest moduli.
 2. P(P(h)) = P(h), and P(h) = h if h has k entries.
 3. |h|^2 = |P(h)|^2 + |h - P(h)|^2 (Pythagoras), and |P(h)|^2 >= (k/n) |h|^2: the mean of the greatest k squares is
    at least that of all n.
 4. P commutes with signs, scales and permutations of the entries (of different moduli).
 5. |y - f(x)| <= |W| |h - P(h)|, for the perceptron f(x) = sum_i h_i w_i and the norm of the rows' matrix; k = n is f.
 6. The work counted is the work done: rows beyond these k may be anything, and nothing changes. Of equal moduli the
    lower index is kept.
Where two moduli at the edge are equal, y jumps: no continuous map takes every point to a nearest one, since the nearest
points are two there. Within rounding of such a tie two correct programs may differ; see `margin`. The gradient is the
function's elsewhere, that of h through the entries that are kept; no estimator is put in its place.

Cost. No parameters. In training and for many tokens a mask: one selection of the k-th modulus and six operations on n
numbers a token, then the product with all rows. For a few tokens, where k rows are fewer numbers than the matrix has
(generation), these rows.

What it is worth. 300 iterations, one seed, beside the gated chord: full_vloss -0.0099 +- 0.0008 with 16 of 85 entries.
Generation is slower, 0.95 (0.90 to 0.98) times the tokens a second in PyTorch (`lyceum speed`, 5 rounds of 12 tokens):
at a width of 32 the k rows of one token take 2.9 times the gated chord in PyTorch and in MLX, since finding them is
more operators than the product that they save; at 128, 512 and 1,024 the ratios are 1.4, 1.7 and 2.4 in PyTorch, 1.2,
1.7 and 1.7 in MLX, since the rows are columns of the stored matrix. In training it is 1.75 times the gated chord in
PyTorch, of which the selection is the most, and 1.3 times in MLX (medians, one CPU core, CPU time). So, as A18, it
regularises here and saves nothing; it has no budget of time.
Sources: Makhzani & Frey 2014 (k-sparse autoencoders); Blumensath & Davies 2009 (iterative hard thresholding).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.euclid.norm import ChordPerceptron
from lyceum.personas.euclid.sparse.theorems import clear, moduli, theorems
from lyceum.personas.euclid.superpose import EquiangularPerceptron
from lyceum.personas.euclid.superpose.theorems import Fixed
from lyceum.personas.spec.benchmark import LayerBenchmark, Side, against
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.system import System

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class SparsePerceptron:
    """inner: the reference of a perceptron with `features`, x (..., d) -> (..., n), and `rows`, (n, d). k: entries.

    Raises PersonaError for a k that is none of 1 .. n.
    """

    inner: Any
    k: int

    def __post_init__(self):
        if not 1 <= self.k <= self.width:
            raise PersonaError(f"k is {self.k}: choose 1 to {self.width} entries of the hidden vector.")

    @property
    def width(self) -> int:
        """n."""
        return len(self.inner.rows(self.inner.initial(np.random.default_rng(0), 1)))

    def initial(self, stream: np.random.Generator, n_layer: int) -> Parameters:
        """inner.*, as the perceptron alone would begin."""
        return {f"inner.{name}": value for name, value in self.inner.initial(stream, n_layer).items()}

    def chosen(self, h: np.ndarray) -> np.ndarray:
        """h (..., n) -> the k entries of greatest modulus, (..., k), the greatest first."""
        return np.argsort(-np.abs(h), axis=-1, kind="stable")[..., : self.k]

    def project(self, p: Parameters, h: np.ndarray) -> np.ndarray:
        """h (..., n) -> P(h), the same shape."""
        nearest, chosen = np.zeros_like(h), self.chosen(h)
        np.put_along_axis(nearest, chosen, np.take_along_axis(h, chosen, -1), -1)
        return nearest

    def __call__(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape, by the product with all rows."""
        inner = below(p, "inner")
        return self.project(p, self.inner.features(inner, x)) @ self.inner.rows(inner)

    def by_rows(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> the same, by k rows for each token: generation."""
        inner = below(p, "inner")
        h, rows = self.inner.features(inner, x), self.inner.rows(inner)
        chosen = self.chosen(h)
        return (np.take_along_axis(h, chosen, -1)[..., None] * rows[chosen]).sum(-2)

    def gaps(self, h: np.ndarray) -> np.ndarray:
        """h (..., n) -> the k-th modulus less the next, (...), in mean distances of neighbouring moduli.

        Infinity where there is no next, or both are 0, as features after a relu are.
        """
        size = -np.sort(-np.abs(h), axis=-1)
        if self.k == size.shape[-1]:
            return np.full(h.shape[:-1], np.inf)
        gap, mean = size[..., self.k - 1] - size[..., self.k], size[..., 0] / size.shape[-1]
        return np.divide(gap, mean, out=np.full_like(gap, np.inf), where=size[..., self.k - 1] > 0)

    def margin(self, p: Parameters, x: np.ndarray) -> float:
        """x (..., d) -> how far the nearest choice is from a tie, in the unit of `gaps`."""
        return self.gaps(self.inner.features(below(p, "inner"), x)).min()


GATED, PLAIN = SparsePerceptron(ChordPerceptron(8, 12), 4), SparsePerceptron(MLP(8), 4)
LINES, CONTRACT = SparsePerceptron(EquiangularPerceptron(8), 2), SparsePerceptron(ChordPerceptron(32, 85), 16)
ONE, ALL = SparsePerceptron(ChordPerceptron(8, 12), 1), SparsePerceptron(ChordPerceptron(8, 12), 12)
CASES = (
    Fixed("nearest: typical", GATED, clear(GATED, 3, 7, 8)),
    Fixed("nearest: GELU", PLAIN, clear(PLAIN, 3, 7, 8)),
    Fixed("nearest: equiangular lines", LINES, clear(LINES, 3, 7, 8)),
    Fixed("nearest: the contract's sizes", CONTRACT, clear(CONTRACT, 8, 64, 32)),
    Fixed("nearest: one token, one entry", ONE, clear(ONE, 1, 1, 8)),
    Fixed("nearest: every entry", ALL, clear(ALL, 3, 7, 8)),
    Fixed("nearest: long vectors", GATED, lambda g: (30 * clear(GATED, 4, 5, 8)(g)[0],)),
    Fixed("nearest: by rows", GATED, clear(GATED, 3, 7, 8), "by_rows"),
    Fixed("nearest: lines by rows", LINES, clear(LINES, 3, 7, 8), "by_rows"),
    Case("nearest: project", GATED, lambda g: (moduli(g, 3, 7, 12),), "project"),
)
THEOREMS = theorems(GATED, ALL)

BENCHMARKS = (
    against("E18 nearest k entries / gated chord", CONTRACT, CONTRACT.inner),
    LayerBenchmark(
        "E18 k rows / all rows, one token",
        Side(CONTRACT, ((1, 1, 32),), "by_rows"),
        Side(CONTRACT.inner, ((1, 1, 32),)),
        gradient=False,
    ),
)

SYSTEM = System(
    "sparse",
    "E18, the nearest k entries",
    job="MLP: a hidden vector keeps its greatest entries, half as many as channels; generation reads these rows alone",
    excludes={
        "moe": "its experts are chosen already",
        "equivariant": "an entry of an arrow alone does not move with it",
    },
    build=lambda modules, sizes, tables: {"mlp": SparsePerceptron(modules["mlp"], sizes.n_embd // 2)},
)
