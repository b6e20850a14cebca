"""A18, essence and accident: a perceptron that a token passes only if its essence asks for it.

Idea. What belongs to a thing by its essence is said of it always; an accident may be left out, and the thing remains
(Topics I.5). Whether a token needs a block's perceptron is decided by the token itself, before the perceptron is asked:
where the answer is no, the work is not done.

Equations, for x in R^d and any perceptron f:
    s(x) = 1 / (1 + exp(-(w . x + b))),     g(x) = 2 max(s(x) - theta, 0),     y = g(x) f(x)
A token passes where s > theta; elsewhere y = 0, and generation and evaluation do not compute f. theta is a router bias,
0 before training, without gradient. After a training step in which m of N tokens passed,
    theta <- theta + rate sign(m - target N),
and at evaluation it does not change. So training begins dense, and ends with the share `target` of tokens that pass.

Why no straight-through estimator. With y = [s > theta] f(x) and a slope of s put in for that of the step, w follows a
derivative of no function, and y jumps where a token is on the line. Here y is continuous, what a token loses on the
line is nothing, and the gradient is the function's wherever s != theta: the finite differences of the reference find
it. The factor 2 rests at 1: theta = 0 and s = 1/2 give f itself, to the last bit. (The step kept with the weight,
y = 2 s [s > theta] f(x), has a true gradient too, and jumps: 4.464 nats after 500 steps, where this form has 4.462.)

Theorems (`lyceum.personas.aristotle.sparse.theorems`).
 1. theta = 0 is dense: y = 2 s(x) f(x); and y = f(x) exactly where w = 0 and b = 0 too.
 2. Causal, and each token by itself: s, f and the choice read x_t alone.
 3. The work counted is the work done: f is computed for the tokens of `load` alone, and the result is the same.
 4. |y(x) - y(x')| -> 0 as x' -> x, across the line too: max is continuous. With s - theta = e > 0, |y| = 2 e |f|.
 5. theta stays within [-rate, 1] on multiples of rate, if 1/rate is one of 1: at theta >= 1 none passes, below 0 all.
 6. On tokens that do not change, theta comes within rate of a threshold that lets the share `target` pass, after
    1/rate + 1 steps at most: m falls as theta rises, so a step leads towards it, and beyond it by less than rate.

Cost. d + 2 parameters, and one product of d numbers a token. Training computes f for all N tokens, since shapes must
not depend on values there; evaluation and generation for those that pass. A perceptron that is a mixture keeps its own
router biases, which follow the loads of all tokens.

What it is worth. 64 tokens of width 256, a quarter of which pass, take 0.64 of the dense perceptron's time in PyTorch
and 0.40 in MLX, on one CPU core. At the contract's width of 32 a token's gate costs more than its perceptron, which is
three small operators: 1.3 and 2.9 times the dense time where it does not pass, 2.9 and 4.1 where it does. And the four
perceptrons of a token are 0.5% of the time to write it: the memory, the head over 50,257 ids and the sampler are the
rest. So generation is no faster there (`lyceum speed`), and the system is not on by default.
Sources: Raposo et al. 2024 (mixture of depths); Bengio et al. 2013 (conditional computation, straight-through); Wang et
al. 2024 (ReMoE: routers with relu, their share of zeros kept by a control); Wang et al. 2024 (loss-free balancing).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from lyceum.personas.aristotle.norm import GatedMesotes
from lyceum.personas.aristotle.sparse.theorems import Clear, clear, theorems
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.spec.benchmark import against
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.system import System

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class SparseMLP:
    """n_embd: the width d. inner: the reference of f, x (..., d) -> the same shape. target: the share of tokens that
    pass, in units of 1/256, so that its products with a count are exact. rate: of theta, a power of two.

    Raises PersonaError for a target that is none.
    """

    n_embd: int
    inner: Any
    target: float = 0.25
    rate: float = 2.0**-8

    def __post_init__(self):
        if not 0 < self.target <= 1 or not (256 * self.target).is_integer():
            raise PersonaError(
                f"the target is {self.target}: choose a share of tokens from 1/256 to 1, in steps of that."
            )

    @property
    def router_biases(self) -> tuple[str, ...]:
        """Parameters without gradient, see `Plan.router_biases`."""
        return ("theta", *(f"inner.{name}" for name in getattr(self.inner, "router_biases", ())))

    def initial(self, stream: np.random.Generator, n_layer: int) -> Arrays:
        """inner.* as f alone would begin; router.weight (1, d) with deviation 1 / sqrt d; bias and theta (1,) zero."""
        inner = {f"inner.{name}": value for name, value in self.inner.initial(stream, n_layer).items()}
        weight = stream.normal(0, self.n_embd**-0.5, (1, self.n_embd))
        return {"router.weight": weight, "router.bias": np.zeros(1), "theta": np.zeros(1)} | inner

    def score(self, p: Arrays, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> s, (..., 1)."""
        return expit(x @ p["router.weight"].T + p["router.bias"])

    def gate(self, p: Arrays, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> g, (..., 1), at least 0."""
        return 2 * np.maximum(self.score(p, x) - p["theta"], 0)

    def margin(self, p: Arrays, x: np.ndarray) -> float:
        """x (..., d) -> how far from a tie the nearest choice is, its own or one of f's."""
        margins = [np.abs(self.score(p, x) - p["theta"]).min()]
        if hasattr(self.inner, "margin"):
            margins.append(self.inner.margin(below(p, "inner"), x))
        return min(margins)

    def __call__(self, p: Arrays, x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape, f computed for every token: training."""
        return self.gate(p, x) * self.inner(below(p, "inner"), x)

    def computed_at(self, p: Arrays, x: np.ndarray, gate: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """x (N, d), gate (N, 1), rows (n,) integers -> gate f(x) at these rows, 0 at the others, (N, d)."""
        y = np.zeros_like(x)
        y[rows] = gate[rows] * self.inner(below(p, "inner"), x[rows])
        return y

    def skipping(self, p: Arrays, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> the same as `__call__`, f computed for the tokens that pass: evaluation and generation."""
        flat = x.reshape(-1, self.n_embd)
        gate = self.gate(p, flat)
        return self.computed_at(p, flat, gate, np.flatnonzero(gate)).reshape(x.shape)

    def load(self, p: Arrays, x: np.ndarray) -> np.ndarray:
        """x (..., d) -> how many tokens pass and how many do not, (2,) integers."""
        passes = self.gate(p, x) > 0
        return np.array([passes.sum(), (~passes).sum()])

    def rebalanced(self, p: Arrays, load: np.ndarray) -> np.ndarray:
        """load (2,) of a training step -> theta after it, (1,)."""
        return p["theta"] + self.rate * np.sign(load[0] - self.target * load.sum())

    def updated_router_bias(self, p: Arrays, x: np.ndarray) -> Arrays:
        """The router biases after a training step on x (..., d), by name."""
        updated = {"theta": self.rebalanced(p, self.load(p, x))}
        if hasattr(self.inner, "updated_router_bias"):
            inner = self.inner.updated_router_bias(below(p, "inner"), x)
            updated |= {f"inner.{name}": value for name, value in inner.items()}
        return updated


def _tokens(g: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    return g.normal(size=(count, 8)), g.uniform(0.1, 1, (count, 1))


PLAIN, GATED = SparseMLP(8, MLP(8), target=0.5), SparseMLP(8, GatedMesotes(8, 12))
CASES = (
    Clear("sparse: typical", PLAIN, clear(3, 7, 8)),
    Clear("sparse: the contract's sizes", SparseMLP(32, MLP(32)), clear(8, 64, 32)),
    Clear("sparse: a gated perceptron", GATED, clear(2, 5, 8)),
    Clear("sparse: one token that passes", GATED, clear(1, 1, 8, score=1.75)),
    Clear("sparse: answers near 0 and 1", PLAIN, lambda g: (8 * clear(4, 5, 8)(g)[0],)),
    Case("sparse: computed at rows", GATED, lambda g: (*_tokens(g, 9), np.array([1, 2, 5, 8])), "computed_at"),
    Case("sparse: computed at one row", PLAIN, lambda g: (*_tokens(g, 3), np.array([1])), "computed_at"),
    Clear("sparse: load", GATED, clear(40, 8), "load"),
    # Of 12 tokens 4 or 5 pass: more than the target, and fewer than half.
    Case("sparse: rebalanced", GATED, lambda g: (g.integers(4, 6) * np.array([1, -1]) + [0, 12],), "rebalanced"),
)
THEOREMS = theorems(PLAIN, GATED)

BENCHMARKS = (
    against("A18 sparse training / GELU perceptron", SparseMLP(32, MLP(32)), MLP(32), budget=1.5),
    against(
        "A18 sparse training / gated mesotes", SparseMLP(32, GatedMesotes(32, 85)), GatedMesotes(32, 85), budget=1.5
    ),
)


def _build(modules, sizes, tables):
    return {"mlp": SparseMLP(sizes.n_embd, modules["mlp"])}


SYSTEM = System(
    "sparse",
    "A18, essence and accident",
    job="perceptrons: a quarter of the tokens pass each, the others skip its work in generation and evaluation",
    build=_build,
)
