"""E1, the regular simplex: experts at the vertices of a figure that is constructed, not learned.

Idea. Let as many experts be given as there are vertices of a regular simplex (Elements XIII.13 has the one of four).
No vertex is before another: all distances are equal, and the sphere falls into congruent cells, one a vertex. A token
goes where it stands: to the experts that are nearest to its direction.

Equations, for x in R^d, vertices v_e of the unit sphere (see `simplex`), E <= d + 1, and unit(x) as in `norm`:
    |unit(x) - v_e|^2 = 1 + |unit(x)|^2 - 2 c_e,    c_e = unit(x) . v_e
    w = softmax over the k nearest e of -|unit(x) - v_e|^2 / (2 tau) = c_e / tau + what is equal for all e
    f_e(x) = W_down,e ((1 + f(a)) * b),  [a; b] = W_up,e x,          a gated expert, see `norm`
    y = sum over the k nearest e of w_e f_e(x)
Of equally near vertices the lower index comes first; at x = 0 all are equally near. Nothing of the routing is learned
but x itself: what comes before turns a token towards the experts that serve it, by the gradient of w.

Theorems.
 1. |v_e| = 1, v_e . v_f = -1 / (E - 1), |v_e - v_f|^2 = 2E / (E - 1) for e != f, and the vertices sum to 0.
 2. Experts in another order have the same tokens: routing by the v_e permuted is the routing permuted.
 3. Cells are congruent: for every permutation of the vertices one orthogonal R carries them into one another, and R x
    is routed as x is, permuted. R exists since the vertices' inner products are all equal.
 4. Tokens and simplex turned together are routed as before: c_e = unit(R x) . R v_e.
 5. The sparse form is the dense one, in which every expert serves every token and w is 0 beyond the k nearest.
 6. No token is dropped or counted twice: the loads sum to k N, a token's weights to 1, and its y does not depend on
    the others.
Where the k-th nearest expert changes y jumps, and within rounding of it two right programs may part; see `margin`.

Cost. 3 d hidden E parameters in the experts, none in the routing. A token costs k of the E experts and E d products:
k = 2 and hidden = d make 6 d^2 + E d, below the 8 d^2 of a perceptron four times as wide as the stream. The wings sort
the pairs of token and expert into blocks as A1's do, and half as many rows again stay empty. Nothing balances the load:
the fullest expert has 1.2 even shares at first, but 3.4 to 4 after 100 iterations, when all tokens lean one way.
Sources: Chi et al. 2022 (X-MoE); Pernici et al. 2019 (fixed simplex classifiers); Shazeer et al. 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from personas.case import Case, Theorem, representable
from personas.errors import PersonaError
from personas.euclid.cells import clear, posed
from personas.euclid.norm import ChordPerceptron, unit
from personas.euclid.simplex import motion, simplex
from personas.gated import mixture

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class SimplexExperts:
    """n_embd: the width d. hidden: of an expert. n_expert: E. k: how many serve a token. tau: a squared length, > 0."""

    n_embd: int
    hidden: int
    n_expert: int = 8
    k: int = 2
    tau: float = 0.1

    def __post_init__(self):
        if not 2 <= self.n_expert <= self.n_embd + 1:
            raise PersonaError(f"{self.n_expert} vertices in {self.n_embd} dimensions: choose 2 to n_embd + 1 experts.")
        if not 1 <= self.k <= self.n_expert:
            raise PersonaError(f"{self.k} of {self.n_expert} experts a token: choose k from 1 to n_expert.")

    def initial(self, stream: np.random.Generator, n_layer: int) -> Parameters:
        """Experts as in `norm`, row after row."""
        return {
            "up.weight": stream.normal(0, 0.02, (self.n_expert * 2 * self.hidden, self.n_embd)),
            "down.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (self.n_embd, self.n_expert * self.hidden)),
        }

    def vertices(self, p: Parameters) -> np.ndarray:
        """(E, d)."""
        return simplex(self.n_expert, self.n_embd)

    def nearest(self, cosines: np.ndarray) -> np.ndarray:
        """(..., E) -> the k nearest, (..., k), the nearest first."""
        return np.argsort(-cosines, axis=-1, kind="stable")[..., : self.k]

    def route(self, p: Parameters, x: np.ndarray, vertices: np.ndarray) -> np.ndarray:
        """x (..., d), vertices (E, d) -> w of every expert, (..., E), 0 beyond the k nearest."""
        cosines = unit(x) @ vertices.T
        own, weight = self.nearest(cosines), np.zeros_like(cosines)
        np.put_along_axis(weight, own, softmax(np.take_along_axis(cosines, own, -1) / self.tau, axis=-1), -1)
        return weight

    def dense(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> the same shape, by all experts."""
        return mixture(ChordPerceptron(self.n_embd, self.hidden), p, x, self.route(p, x, self.vertices(p)))

    def __call__(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape, by the k nearest experts of each token."""
        return self.dense(p, x)

    def load(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> how many tokens each expert gets, (E,) integers."""
        return np.bincount(self.nearest(unit(x) @ self.vertices(p).T).ravel(), minlength=self.n_expert)

    def gaps(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> how much nearer the k-th is than the next, in cosines, (...); infinity if there is none."""
        ordered = np.sort(unit(x) @ self.vertices(p).T, axis=-1)[..., ::-1]
        if self.k == self.n_expert:
            return np.full(x.shape[:-1], np.inf)
        return ordered[..., self.k - 1] - ordered[..., self.k]

    def margin(self, p: Parameters, x: np.ndarray) -> float:
        """x (..., d) -> how far from a tie the nearest choice is."""
        return self.gaps(p, x).min()


SMALL, MOST = SimplexExperts(8, 5, 4), SimplexExperts(16, 3, 17, 3)
ONE, ALL, CONTRACT = SimplexExperts(8, 3, 5, 1), SimplexExperts(8, 3, 5, 5), SimplexExperts(32, 32)
CASES = (
    Case("simplex: typical", SMALL, clear(SMALL, 3, 7)),
    Case("simplex: E = d + 1", MOST, clear(MOST, 2, 9)),
    Case("simplex: the contract's sizes", CONTRACT, clear(CONTRACT, 8, 64)),
    Case("simplex: one token", CONTRACT, clear(CONTRACT, 1, 1)),
    Case("simplex: one expert a token", ONE, clear(ONE, 3, 7)),
    Case("simplex: every expert", ALL, clear(ALL, 3, 7)),
    Case("simplex: all of one kind", SMALL, lambda g: (np.ones((5, 4, 1)) * clear(SMALL)(g)[0],)),
    Case("simplex: far out", SMALL, lambda g: (30 * clear(SMALL, 4, 5)(g)[0],)),
    Case("simplex: dense", SMALL, clear(SMALL, 3, 7), "dense"),
    Case("simplex: route", SMALL, lambda g: (*clear(SMALL, 3, 7)(g), simplex(4, 8)), "route"),
    Case("simplex: load", CONTRACT, clear(CONTRACT, 40), "load"),
    Case("simplex: zero", CONTRACT, lambda g: (np.zeros((2, 3, 32)),), "load"),
)


def _regular(evaluate, g):
    n = int(g.integers(2, 18))
    spec = SimplexExperts(16, 1, n, 1)
    v = evaluate(spec, Case("", spec, None).parameters(g), "vertices")
    apart, squared = 1 - np.eye(n), ((v[:, None] - v) ** 2).sum(-1)
    found = v @ v.T, squared, v.sum(0)[None]
    expected = np.eye(n) - apart / (n - 1), 2 * n / (n - 1) * apart, np.zeros((1, 16))
    return tuple(np.concatenate([part.ravel() for part in parts]) for parts in (found, expected))


def _permuted(evaluate, g):
    p, x = posed(g, SMALL, 30)
    order, vertices = g.permutation(4), simplex(4, 8)
    return evaluate(SMALL, p, "route", x, vertices[order]), evaluate(SMALL, p, "route", x, vertices)[:, order]


def _congruent(evaluate, g):
    p, x = posed(g, SMALL, 30)
    order, v = g.permutation(4), simplex(4, 8)
    return evaluate(SMALL, p, "route", x @ motion(v, order).T, v)[:, order], evaluate(SMALL, p, "route", x, v)


def _turned(evaluate, g):
    p, x = posed(g, SMALL, 30)
    turn, v = np.linalg.qr(g.normal(size=(8, 8)))[0], simplex(4, 8)
    return evaluate(SMALL, p, "route", x @ turn.T, v @ turn.T), evaluate(SMALL, p, "route", x, v)


def _sparse(evaluate, g):
    p, x = posed(g, MOST, 3, 9)
    return evaluate(MOST, p, "__call__", x), evaluate(MOST, p, "dense", x)


def _counted(evaluate, g):
    # Experts that say which they are: y lists the weights, which are those of the distances.
    spec = SimplexExperts(8, 1, 5)
    p, x = posed(g, spec, 3, 9)
    x[..., 7] = 1
    while (near := spec.gaps({}, x) < 0.1).any():
        x[near, :7] = representable(g.normal(size=(near.sum(), 7)))
    p |= {"up.weight": np.tile(np.eye(8)[[0, 7]] * [[0], [1]], (5, 1)), "down.weight": np.eye(8, 5)}
    squared = ((x[..., None, :] / np.linalg.norm(x, axis=-1)[..., None, None] - simplex(5, 8)) ** 2).sum(-1)
    held = squared <= np.sort(squared, axis=-1)[..., 1:2]
    expected = softmax(np.where(held, -squared / (2 * spec.tau), -np.inf), axis=-1)
    y, load = evaluate(spec, p, "__call__", x)[..., :5], evaluate(spec, p, "load", x)
    return np.concatenate([y.ravel(), y.sum(-1).ravel(), load / 27, [load.sum() / 54]]), np.concatenate(
        [expected.ravel(), np.ones(27), held.sum((0, 1)) / 27, [1]]
    )


def _alone(evaluate, g):
    p, x = posed(g, SMALL, 40)
    alone = np.concatenate([evaluate(SMALL, p, "__call__", token) for token in x[:, None]])
    return alone, evaluate(SMALL, p, "__call__", x)


def _tie(evaluate, g):  # At x = 0 all are equally near, and the first k serve every token.
    p = Case("", CONTRACT, None).parameters(g)
    return evaluate(CONTRACT, p, "load", np.zeros((2, 3, 32))), np.repeat([6, 0], [2, 6])


THEOREMS = (
    Theorem("simplex: regular", "|v| = 1, v.v' = -1/(E-1), equal distances, sum 0", _regular, length=16),
    Theorem("simplex: permuted", "experts in another order have the same tokens", _permuted, length=64),
    Theorem("simplex: congruent", "a motion that permutes the vertices permutes the routing", _congruent, length=64),
    Theorem("simplex: turned", "tokens and simplex turned together are routed as before", _turned, length=64),
    Theorem("simplex: sparse", "sparse = dense", _sparse, length=64),
    Theorem("simplex: counted", "weights are those of the distances, each token served k times", _counted, length=64),
    Theorem("simplex: alone", "each token is served once, whatever the others are", _alone, length=64),
    Theorem("simplex: tie", "at a tie the lower index, to the last token", _tie, length=0, exact=True),
)
