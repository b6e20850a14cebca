"""E15, equiangular lines: a perceptron whose features are constructed, twice as many as there are dimensions.

Idea. How many directions can a space hold, so that none is nearer to another than the rest are? In three dimensions
six: the diagonals of the icosahedron (Elements XIII.16). The figures of `diagonals` continue them: in 31 of the 32
dimensions of the stream 62 lines, any two at the same angle, whose cosine is 61^(-1/2) = 0.128. A layer reads and
writes features along these lines. They are given; what is learned is how much of each counts, and from where on.

Equations, for x in R^d, the lines F (n, d), gains s and thresholds b (n,):
    z(x) = relu(F x - b),     y = F^T (s * z(x))
All blocks have the same F, so what one writes as a feature the next reads as this feature.

Why not the simplex (32, 33) or the 64 lines of 28 dimensions. The simplex has one line more than the space dimensions,
and the 64 lines leave four dimensions out and are nearer to each other (1/7). Widths of 3, 7, 15, 31 leave none out, 8,
16 and 32 one, which attention reads and writes.

Theorems (`lyceum.personas.euclid.superpose.theorems`), with mu = q^(-1/2), n = q + 1 and m = n / 2 as in `diagonals`.
 1. |<f, f'>| = mu for any two lines: Welch's bound. The signs are those of Paley's matrix.
 2. Tight: F^T F = 2 P, where P keeps the first m dimensions.
 3. Features that are superposed are read. Let x = F^T c, c with k entries that are not 0, k < (1 + 1/mu) / 2. If they
    are 1, z(x) with b = (1 + mu) / 2 is positive at these entries and 0 elsewhere: there F x is at least
    1 - (k - 1) mu, elsewhere at most k mu. Whatever they are, orthogonal matching pursuit (the greatest |F r|, then
    least squares on what was chosen, k times) returns c (Tropp 2004).
 4. Where b = 0 and s = 1, y(x) - y(-x) = 2 P x, by 2 and relu(u) - relu(-u) = u; and y(c x) = c y(x) for c > 0.
 5. Turning plane i by k_i corners carries each line to the next, f_0 to itself. So turning x is the same as shifting s
    and b, and turning the answer.
 6. Where s >= 0, y is the gradient of a convex function, sum s relu(F x - b)^2 / 2; so <y(x) - y(x'), x - x'> >= 0, and
    |y(x) - y(x')| <= 2 max s |x - x'|, by 2: the slope is F^T D F with 0 <= D <= max s.

Cost. 2 n parameters, 124 for a width of 32 instead of 8,192; 2 n d products a token instead of 8 d^2, half of them, and
n d cosines a call: 0.8 times the GELU perceptron and 0.6 times the gated chord in PyTorch, 0.4 and 0.5 in MLX; for one
token, where the cosines count, 3 to 4 times the gated chord (medians, one CPU core, CPU time).

What it is worth. 300 iterations, one seed, in place of the gated chord's 8,160 parameters a block: full_vloss
-0.0057 +- 0.0007. A matrix learned in place of F^T s was not tried.
Sources: those of `diagonals`; Elhage et al. 2022 (superposition: more features than dimensions, read by relu and bias);
Donoho & Elad 2003, Tropp 2004 (recovery).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.euclid.norm import ChordPerceptron
from lyceum.personas.euclid.superpose.diagonals import frame, order
from lyceum.personas.euclid.superpose.theorems import Fixed, clear, theorems
from lyceum.personas.spec.benchmark import against
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class EquiangularPerceptron:
    """n_embd: the width d. Raises PersonaError for one below 3."""

    n_embd: int

    def __post_init__(self):
        order(self.n_embd)

    def initial(self, stream: np.random.Generator, n_layer: int) -> Parameters:
        """{"gain": (n,), "threshold": (n,)}, zeros: y = 0 at first, and the gains' slopes are not."""
        n = order(self.n_embd) + 1
        return {"gain": np.zeros(n), "threshold": np.zeros(n)}

    def frame(self, p: Parameters) -> np.ndarray:
        """F, (n, d)."""
        return frame(order(self.n_embd), self.n_embd)

    def features(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> z, (..., n), at least 0."""
        return np.maximum(x @ self.frame(p).T - p["threshold"], 0)

    def rows(self, p: Parameters) -> np.ndarray:
        """What each feature adds to the stream, (n, d)."""
        return p["gain"][:, None] * self.frame(p)

    def __call__(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape."""
        return self.features(p, x) @ self.rows(p)


SOLID, EIGHT, CONTRACT = EquiangularPerceptron(3), EquiangularPerceptron(8), EquiangularPerceptron(32)
CASES = (
    Fixed("equiangular: typical", EIGHT, clear(EIGHT, 2, 5, 8)),
    Fixed("equiangular: the icosahedron", SOLID, clear(SOLID, 2, 5, 3)),
    Fixed("equiangular: the contract's sizes", CONTRACT, clear(CONTRACT, 8, 64, 32)),
    Case("equiangular: one token, one outlier", EIGHT, lambda g: (g.normal(size=(1, 8)) + 50 * np.eye(1, 8),)),
    Case("equiangular: zero", EIGHT, lambda g: (np.zeros((2, 8)),)),
    Fixed("equiangular: features", CONTRACT, clear(CONTRACT, 2, 5, 32), "features"),
)
THEOREMS = theorems(EquiangularPerceptron)

BENCHMARKS = (
    against("E15 equiangular / GELU perceptron", CONTRACT, MLP(32), budget=1.5),
    against("E15 equiangular / gated chord", CONTRACT, ChordPerceptron(32, 85), budget=1.5),
)

SYSTEM = System(
    "superpose",
    "E15, equiangular lines",
    job="MLP: features along constructed lines, twice as many as dimensions and all at one angle; 124 parameters",
    module="mlp",
    build=lambda modules, sizes, tables: {"mlp": EquiangularPerceptron(sizes.n_embd)},
)
