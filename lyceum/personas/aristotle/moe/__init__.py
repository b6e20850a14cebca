"""A1, the tree of Porphyry: a mixture of experts whose router is a binary tree of questions.

Idea. To say what a thing is, divide: of every genus ask one differentia; what has it goes left, what lacks it, right
(Porphyry, Isagoge 1-3). What is said of the genus is said of the species: a token is processed by the expert of its
species and by those of all genera above it.

Equations. A complete binary tree of depth D in heap order: the children of j are 2j + 1 and 2j + 2, so that
j < 2^D - 1 are the inner nodes and the other 2^D the species, left to right. For x in R^d:
    z_j = w_j . x + c_j,     s_j = 1 / (1 + exp(-z_j))                            "x has the differentia of j"
    reach(0) = 1,  reach(2j + 1) = reach(j) s_j,  reach(2j + 2) = reach(j) (1 - s_j)            (excluded middle)
    f_n(x)  = W_down,n ((1 + f(a)) * b),  [a; b] = W_up,n x                       a gated expert, see `norm`
    dense:    y = sum over all nodes n of reach(n) f_n(x)
    sparse:   y = sum over the nodes n of one path, from the root to a species, of reach(n) f_n(x)
The path goes left at j where s_j + beta_j >= 1/2, to the likelier child of the biased answer; a tie goes left, to the
lower index. beta_j is a router bias, which balances the load. It acts on this choice only: not on reach, and it has no
gradient. After a training step in which l_j tokens went left at j and r_j right,
    beta_j <- beta_j + rate sign(r_j - l_j),
and at evaluation it does not change. Training, evaluation and generation use the sparse form. (The dense form learns no
better: 5.609 nats after 300 steps, 5.606 with the sparse form, on the last tenth of the training split.)

Theorems (`lyceum.personas.aristotle.moe.theorems`).
 1. On every level the reaches sum to 1: a node's children share its reach, s + (1 - s) = 1.
 2. reach(n) is the product of the answers on the way to n, and y's weights on the path are these, whatever beta.
 3. If every answer is 0 or 1 and beta = 0, sparse = dense: off the path reach is 0.
 4. No token is dropped or counted twice: the species' loads sum to N, and a token's y does not depend on the others.
 5. |beta_j| <= 1/2 + rate, always: beyond 1/2 every token goes to one side, and the next step leads back. The steps
    are exact if rate is a power of two.
y jumps at a tie, and where s_j + beta_j is within rounding of 1/2, two correct programs may differ; see `margin`.

Cost. 3 d hidden (2^(D+1) - 1) parameters in the experts. A token uses all of them in the dense form, and the share
(D + 1) / (2^(D+1) - 1) of them in the sparse form: 4 of 15 at D = 3, E = 8 species. The backends sort the tokens by
path into blocks of equal width. A block has one species, and the experts on its path are one matrix. Shapes depend on N
only, and at most E (width - 1) rows stay empty.
Sources: Jordan & Jacobs 1994 (hierarchical mixtures); Bengio et al. 2013 (conditional computation); Belcak &
Wattenhofer 2023 (fast feedforward); Wang et al. 2024 (loss-free balancing); Gale et al. 2023 (blocks, none dropped).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from lyceum.personas.aristotle.moe.inputs import Routed, clear
from lyceum.personas.aristotle.moe.theorems import theorems
from lyceum.personas.aristotle.moe.tree import sides
from lyceum.personas.aristotle.norm import GatedMesotes, check_power
from lyceum.personas.model.gated import mixture
from lyceum.personas.spec.benchmark import LayerBenchmark, Side
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class PorphyryTree:
    """n_embd: the width d. depth: D >= 1. hidden: width of an expert. power: of f. rate: beta's, a power of two."""

    router_biases = ("beta",)  # parameters without gradient, see `Plan.router_biases`

    n_embd: int
    depth: int
    hidden: int
    power: float = 1.0
    rate: float = 2.0**-10

    def __post_init__(self):
        check_power(self.power)

    @property
    def inner(self) -> int:
        """How many nodes ask a question; twice as many and one have an expert."""
        return 2**self.depth - 1

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """router.weight (inner, d) with deviation 1 / sqrt d; up and down of all experts, row after row; beta zero."""
        d, nodes = self.n_embd, 2 * self.inner + 1
        return {
            "router.weight": stream.normal(0, d**-0.5, (self.inner, d)),
            "router.bias": np.zeros(self.inner),
            "up.weight": stream.normal(0, 0.02, (nodes * 2 * self.hidden, d)),
            "down.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (d, nodes * self.hidden)),
            "beta": np.zeros(self.inner),
        }

    def products(self, has: np.ndarray, lacks: np.ndarray) -> np.ndarray:
        """Answers (..., inner) -> the product of those on the way to each node, (..., nodes)."""
        reach = np.ones((*has.shape[:-1], 2 * self.inner + 1))
        for j in range(self.inner):
            reach[..., 2 * j + 1] = reach[..., j] * has[..., j]
            reach[..., 2 * j + 2] = reach[..., j] * lacks[..., j]
        return reach

    def answers(self, p: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x (..., d) -> s and 1 - s, each (..., inner)."""
        z = x @ p["router.weight"].T + p["router.bias"]
        return expit(z), expit(-z)

    def reach(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> (..., nodes), in [0, 1]."""
        return self.products(*self.answers(p, x))

    def visits(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> (..., nodes), 1 on the token's path, else 0."""
        has = self.answers(p, x)[0] + p["beta"] >= 0.5
        return self.products(has, ~has)

    def margin(self, p: dict[str, np.ndarray], x: np.ndarray) -> float:
        """x (..., d) -> how far from a tie the nearest answer is."""
        return np.abs(self.answers(p, x)[0] + p["beta"] - 0.5).min()

    def experts(self, p: dict[str, np.ndarray], x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """x (..., d), weight (..., nodes) -> the weighted sum of all experts, (..., d)."""
        return mixture(GatedMesotes(self.n_embd, self.hidden, self.power), p, x, weight)

    def dense(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> the same shape, by all nodes."""
        return self.experts(p, x, self.reach(p, x))

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape, by the nodes of one path a token."""
        return self.experts(p, x, self.reach(p, x) * self.visits(p, x))

    def load(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> how many tokens each species gets, (species,) integers."""
        return self.visits(p, x).reshape(-1, 2 * self.inner + 1).sum(0).astype(int)[self.inner :]

    def rebalanced(self, p: dict[str, np.ndarray], load: np.ndarray) -> np.ndarray:
        """load (species,) of a training step -> beta after it, (inner,)."""
        return p["beta"] - self.rate * np.sign(sides(self.depth) @ load)

    def updated_router_bias(self, p: dict[str, np.ndarray], x: np.ndarray) -> dict[str, np.ndarray]:
        """The router bias after a training step on x (..., d), by name."""
        return {"beta": self.rebalanced(p, self.load(p, x))}


SHALLOW, DEEP = PorphyryTree(8, 2, 3), PorphyryTree(16, 3, 5)
CASES = (
    Routed("moe: typical", SHALLOW, clear(3, 7, 8)),
    Routed("moe: E = 8", DEEP, clear(2, 33, 16)),
    Routed("moe: the contract's sizes", PorphyryTree(32, 3, 20), clear(8, 64, 32)),
    Routed("moe: one token", DEEP, clear(1, 1, 16)),
    Routed("moe: one species", SHALLOW, lambda g: (np.ones((5, 4, 1)) * clear(8)(g)[0],)),
    Routed("moe: answers near 0 and 1", SHALLOW, lambda g: (8 * clear(4, 5, 8)(g)[0],)),
    Case("moe: dense", SHALLOW, lambda g: (g.normal(size=(3, 7, 8)),), "dense"),
    Case("moe: reach", DEEP, lambda g: (2 * g.normal(size=(2, 5, 16)),), "reach"),
    Routed("moe: load", DEEP, clear(40, 16), "load"),
    Case("moe: rebalanced", DEEP, lambda g: (g.integers(0, 3, 8),), "rebalanced"),
)
THEOREMS = theorems(SHALLOW, DEEP)

TREE = PorphyryTree(32, 3, 20)
BENCHMARKS = (
    LayerBenchmark("A1 sparse / dense, E = 8", Side(TREE), Side(TREE, method="dense"), budget=1.0),
    LayerBenchmark("A1 sparse / dense, E = 8, forward", Side(TREE), Side(TREE, method="dense"), gradient=False),
)

SYSTEM = System(
    "moe",
    "A1, the tree of Porphyry",
    job="perceptrons: a mixture of experts, routed by a tree of questions",
    build=lambda modules, sizes, tables: {"mlp": PorphyryTree(sizes.n_embd, 3, 5 * sizes.n_embd // 8)},
)
