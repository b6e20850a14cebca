"""E1, the regular simplex: experts at the vertices of a figure that is constructed, not learned.

Idea. Let as many experts be given as there are vertices of a regular simplex (Elements XIII.13 has the one of four).
No vertex is before another: all distances are equal, and the sphere falls into congruent cells, one a vertex. A token
goes where it stands: to the experts that are nearest to its direction. But a crowd stands on one side. So let each
vertex be the centre of a circle, and a token measure by its power in respect to it: the square on the tangent, which
is the square on the distance less that on the radius (III.36). Where few come, the circle grows until more do.

Equations, for x in R^d, vertices v_e of the unit sphere (see `simplex`), E <= d + 1, and unit(x) as in `norm`:
    |unit(x) - v_e|^2 = 1 + |unit(x)|^2 - 2 c_e,    c_e = unit(x) . v_e
    S = the k experts of least power |unit(x) - v_e|^2 - beta_e, those where c_e + beta_e / 2 is greatest
    w = softmax over S of -|unit(x) - v_e|^2 / (2 tau) = c_e / tau + a term that is equal for all e
    f_e(x) = W_down,e ((1 + f(a)) * b),  [a; b] = W_up,e x,          a gated expert, see `norm`
    y = sum over S of w_e f_e(x)
Of equal powers the lower index comes first. beta_e, the square on the radius, is the router bias. It is 0 at first;
then the least power is the least distance. It enters the choice alone: never w, never a gradient. After a training
step in which l_e tokens came to e, it moves by the sign of what is missing to an even share, and the least beta is 0:
    b_e = beta_e + rate sign(sum_f l_f - E l_e),    beta = b - min b.
At evaluation it does not change. A shift of all beta changes no choice, so subtracting the least is free. No parameter
of the routing is learned: the layers before turn a token towards the experts that serve it, by the gradient of w.

Theorems (`lyceum.personas.euclid.moe.theorems`).
 1. |v_e| = 1, v_e . v_f = -1 / (E - 1), |v_e - v_f|^2 = 2E / (E - 1) = s^2 for e != f, and the vertices sum to 0.
 2. Experts in another order, each with its circle, have the same tokens: routing by the v_e and beta_e permuted is the
    routing permuted.
 3. With equal circles the cells are congruent: for every permutation of the vertices one orthogonal R carries them into
    one another, and R x is routed as x is, permuted. R exists since the vertices' inner products are all equal.
 4. Tokens and simplex turned together are routed as before: c_e = unit(R x) . R v_e.
 5. Of two vertices the token chooses the one on whose side of their radical plane unit(x) lies: equal powers say
    2 unit(x) . (v - w) = beta_w - beta_v, a plane perpendicular to the line of centres. So a cell, the set of points
    with the same k experts, is an intersection of half-spaces: convex, within the sphere and on it.
 6. The sparse form is the dense one, in which every expert serves every token and w is 0 outside S.
 7. No token is dropped or counted twice: the loads sum to k N, a token's weights to 1, and its y does not depend on
    the others.
 8. 0 <= beta <= 4 (s + rate), always. In descending order let beta_1 exceed beta_(k+1) by more than 2s. Powers without
    circles differ by 2 |c_e - c_f| <= 2s, so expert 1 serves all tokens, as does each so large: their circles shrink,
    and no other falls by more than one rate. So beta_1 - beta_(k+1) never grows beyond 2s + 2 rate; nor, likewise, does
    beta_k - beta_E, since the last would serve none. Together they are at least beta_1 - beta_E.
Where the k-th and the next power are equal, y jumps. Within rounding of such a tie two correct programs may choose
differently; see `margin`.

Cost. 3 d hidden E parameters in the experts and E in beta. A token costs k of the E experts and E d products:
k = 2 and hidden = d make 6 d^2 + E d, below the 8 d^2 of an MLP four times as wide as the stream. The backends sort
the pairs of token and expert into blocks as `lyceum.personas.aristotle.moe` does; a third of the rows stay empty.

Load: tokens of the fullest expert over an even share, in blocks 1 to 4 of the contract's model in training (PyTorch,
`--with moe --without norm,ssm`, one seed, means of 10 iterations except the first). No expert stayed empty.
    iterations     1                     100                   200                   400
    rate 2^-8      1.48 1.54 1.54 1.52   1.15 1.17 1.18 1.20   1.19 1.18 1.20 1.21   1.13 1.16 1.18 1.16
    no circles     1.48 1.54 1.54 1.52   1.33 1.44 1.68 1.78   1.34 1.40 1.54 1.54   not measured
Without circles and with the sphere norm (`--with moe --without ssm`) it was 3.4 to 4 after 100 iterations; four experts
were nearly idle.

Sources: Elements III.36; Steiner 1826 (power, radical plane); Aurenhammer 1987 (power diagrams); Chi et al. 2022
(X-MoE); Pernici et al. 2019 (fixed simplex classifiers); Wang et al. 2024 (loss-free balancing); Shazeer et al. 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.euclid.moe.inputs import Cells, clear
from lyceum.personas.euclid.moe.simplex import simplex
from lyceum.personas.euclid.moe.theorems import theorems
from lyceum.personas.euclid.norm import TINY, ChordPerceptron, unit
from lyceum.personas.model.gated import mixture
from lyceum.personas.spec.benchmark import LayerBenchmark, Side, against
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.system import System

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class SimplexExperts:
    """n_embd: the width d. hidden: the width of an expert. n_expert: E. k: how many experts serve a token.

    tau: a squared length, > 0. rate: the step of beta, a power of two, so that steps are exact. tiny: that of `unit`.
    PersonaError for an n_expert or a k that no simplex allows.
    """

    router_biases = ("beta",)  # parameters without gradient, see `Plan.router_biases`

    n_embd: int
    hidden: int
    n_expert: int = 8
    k: int = 2
    tau: float = 0.1
    rate: float = 2.0**-8
    tiny: float = TINY

    def __post_init__(self):
        if not 2 <= self.n_expert <= self.n_embd + 1:
            raise PersonaError(f"{self.n_expert} vertices in {self.n_embd} dimensions: choose 2 to n_embd + 1 experts.")
        if not 1 <= self.k <= self.n_expert:
            raise PersonaError(f"{self.k} of {self.n_expert} experts a token: choose k from 1 to n_expert.")

    def initial(self, stream: np.random.Generator, n_layer: int) -> Parameters:
        """Experts as in `norm`, one below the other; beta 0."""
        return {
            "up.weight": stream.normal(0, 0.02, (self.n_expert * 2 * self.hidden, self.n_embd)),
            "down.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (self.n_embd, self.n_expert * self.hidden)),
            "beta": np.zeros(self.n_expert),
        }

    def vertices(self, p: Parameters) -> np.ndarray:
        """(E, d)."""
        return simplex(self.n_expert, self.n_embd)

    def depths(self, p: Parameters, cosines: np.ndarray) -> np.ndarray:
        """(..., E) -> the same shape: (1 + |unit(x)|^2 - power) / 2, greatest where the power is least."""
        return cosines + p["beta"] / 2

    def chosen(self, p: Parameters, cosines: np.ndarray) -> np.ndarray:
        """(..., E) -> the k experts of least power, (..., k), the least first."""
        return np.argsort(-self.depths(p, cosines), axis=-1, kind="stable")[..., : self.k]

    def route(self, p: Parameters, x: np.ndarray, vertices: np.ndarray) -> np.ndarray:
        """x (..., d), vertices (E, d) -> w of every expert, (..., E), 0 where it is not chosen."""
        cosines = unit(x, self.tiny) @ vertices.T
        choice, weight = self.chosen(p, cosines), np.zeros_like(cosines)
        np.put_along_axis(weight, choice, softmax(np.take_along_axis(cosines, choice, -1) / self.tau, axis=-1), -1)
        return weight

    def dense(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> the same shape, computed with all experts."""
        return mixture(ChordPerceptron(self.n_embd, self.hidden), p, x, self.route(p, x, self.vertices(p)))

    def __call__(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape, by the k experts of least power of each token."""
        return self.dense(p, x)

    def load(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> how many tokens each expert gets, (E,) integers."""
        return np.bincount(self.chosen(p, unit(x, self.tiny) @ self.vertices(p).T).ravel(), minlength=self.n_expert)

    def rebalanced(self, p: Parameters, load: np.ndarray) -> np.ndarray:
        """load (..., E) of a training step -> beta after it, (..., E)."""
        beta = p["beta"] + self.rate * np.sign(load.sum(-1, keepdims=True) - self.n_expert * load)
        return beta - beta.min(-1, keepdims=True)

    def updated_router_bias(self, p: Parameters, x: np.ndarray) -> Parameters:
        """The router biases after a training step on x (..., d)."""
        return {"beta": self.rebalanced(p, self.load(p, x))}

    def gaps(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> half of the next power less the k-th, (...); infinity if there is no next."""
        ordered = np.sort(self.depths(p, unit(x, self.tiny) @ self.vertices(p).T), axis=-1)[..., ::-1]
        if self.k == self.n_expert:
            return np.full(x.shape[:-1], np.inf)
        return ordered[..., self.k - 1] - ordered[..., self.k]

    def margin(self, p: Parameters, x: np.ndarray) -> float:
        """x (..., d) -> the distance of the nearest choice from a tie."""
        return self.gaps(p, x).min()


FOUR, MOST = SimplexExperts(8, 5, 4), SimplexExperts(16, 3, 17, 3)
ONE, ALL, CONTRACT = SimplexExperts(8, 3, 5, 1), SimplexExperts(8, 3, 5, 5), SimplexExperts(32, 32)
FIVE = SimplexExperts(8, 1, 5)
CASES = (
    Cells("simplex: typical", FOUR, clear(FOUR, 3, 7)),
    Cells("simplex: E = d + 1", MOST, clear(MOST, 2, 9)),
    Cells("simplex: the contract's sizes", CONTRACT, clear(CONTRACT, 8, 64)),
    Cells("simplex: one token", CONTRACT, clear(CONTRACT, 1, 1)),
    Cells("simplex: one expert a token", ONE, clear(ONE, 3, 7)),
    Cells("simplex: every expert", ALL, clear(ALL, 3, 7)),
    Cells("simplex: identical tokens", FOUR, lambda g: (np.ones((5, 4, 1)) * clear(FOUR)(g)[0],)),
    Cells("simplex: long vectors", FOUR, lambda g: (30 * clear(FOUR, 4, 5)(g)[0],)),
    Cells("simplex: dense", FOUR, clear(FOUR, 3, 7), "dense"),
    Cells("simplex: route", FOUR, lambda g: (*clear(FOUR, 3, 7)(g), simplex(4, 8)), "route"),
    Cells("simplex: load", CONTRACT, clear(CONTRACT, 40), "load"),
    Case("simplex: no circles", CONTRACT, clear(CONTRACT, 2, 9, beta=np.zeros(8)), noise=0.0),
    Case("simplex: zero", CONTRACT, lambda g: (np.zeros((2, 3, 32)),), "load", noise=0.0),
    Case("simplex: rebalanced", CONTRACT, lambda g: (g.integers(0, 3, (5, 8)),), "rebalanced"),
)
THEOREMS = theorems(four=FOUR, most=MOST, one=ONE, five=FIVE, contract=CONTRACT)

SIMPLEX = SimplexExperts(32, 32)
BENCHMARKS = (
    LayerBenchmark("E1 sparse / dense, E = 8, k = 2", Side(SIMPLEX), Side(SIMPLEX, method="dense"), budget=1.0),
    against("E1 simplex of experts / GELU perceptron", SIMPLEX, MLP(32)),
)

SYSTEM = System(
    "moe",
    "E1, the regular simplex",
    job="MLP: experts at the vertices of a regular simplex; a token goes to the two of least power",
    module="mlp",
    build=lambda modules, sizes, tables: {"mlp": SimplexExperts(sizes.n_embd, sizes.n_embd)},
)
