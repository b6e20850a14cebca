"""A3, the syllogism: attention that draws the conclusion as well as the premise.

Idea. If a attends to b and b attends to c, then a may conclude c. Ordinary attention P states premises, one step from
each token to those it attends to; P P is what follows from two of them by their middle term. Each head learns how far
it trusts conclusions, g = s(gamma).

Equations.  q, k, v = x Wq^T, x Wk^T, x Wv^T, split into H heads; q and k are turned if the position module gives a
rotation;  P = softmax of q k^T / sqrt(d/H) over the positions u <= t;
    y = (1 - g) P v + g P (P v)  =  P ((1 - g) v + g P v);      output = concat(y) Wo^T.
P P is never formed: by associativity, a second call of the same attention on P v gives it. By linearity the mixture can
come before that call (the backends do so); its terms are saved for the backward pass in any case.

Theorems, with M = (1 - g) P + g P P the weights of a head.
 1. Syllogism: M is row-stochastic and causal, and at g = 1 it is the square of what it is at g = 0.
 2. Hull: each head's output lies in the convex hull of the values it may see.
 3. At g = 0 it is ordinary attention, bit for bit.
 4. Causality: the output at t is a function of x_0 .. x_t.
Proofs. P 1 = 1 gives P P 1 = P 1 = 1, and products and mixtures of non-negative lower triangular matrices are such: 1.
A row of M is a convex combination of values at u <= t: 2 and 4. At g = 0, v + g (P v - v) = v: 3.

The cache holds keys, values and middle terms m_u = (1 - g) v_u + g (P v)_u, 3 d numbers a token: by 4 a middle term
never changes, and y = P m.

Cost: 4 d^2 + H parameters; the projections of attention, and its O(T^2 d) twice.
Sources: Aristotle, Prior Analytics I 4 (Barbara); Wang et al. 2021 (MAGNA, attention diffused over several hops);
Vaswani et al. 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from lyceum.personas.baseline.attention import Attention, draw_framed, draw_turned
from lyceum.personas.properties.sequences import causality, continuation
from lyceum.personas.spec.benchmark import against
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Syllogism(Attention):
    """n_embd, n_head, eps: as in `Attention`. initial_gate: gamma at the start; at -2, g = 0.12."""

    initial_gate: float = -2.0

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"qkv.weight": (3d, d), "gate": (H,), "out.weight": (d, d)}; attention's, and gamma."""
        return super().initial(stream, n_layer) | {"gate": np.full(self.n_head, self.initial_gate)}

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) float64 -> the same shape. rotation: empty, or (cos, sin[, frame]) as in `turned`."""
        q, k, v = self.parts(p, x, *rotation)
        weights, g = self.weights(p, q, k), expit(p["gate"])[:, None, None]
        premise = weights @ v
        conclusion = weights @ premise
        return self.joined(p, (1 - g) * premise + g * conclusion)

    def attention(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) -> M, (B, H, T, T)."""
        weights, g = super().attention(p, x, *rotation), expit(p["gate"])[:, None, None]
        return (1 - g) * weights + g * weights @ weights

    def start(self, batch: int) -> tuple[np.ndarray, ...]:
        """The cache before the first token: keys, values and middle terms, (B, H, 0, d/H)."""
        return (np.zeros((batch, self.n_head, 0, self.n_embd // self.n_head)),) * 3

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, ...]:
        """(keys, values, middle terms (B, H, t, d/H), n new tokens (B, n, d), their rotation) -> the cache, y."""
        k, v, middle, x, *rotation = arguments
        q, new_k, new_v = self.parts(p, x, *rotation)
        k, v = np.concatenate([k, new_k], axis=2), np.concatenate([v, new_v], axis=2)
        weights, g = self.weights(p, q, k), expit(p["gate"])[:, None, None]
        middle = np.concatenate([middle, (1 - g) * new_v + g * (weights @ v)], axis=2)
        return k, v, middle, self.joined(p, weights @ middle)


def _step(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return *g.normal(size=(3, 2, 2, 5, 4)), g.normal(size=(2, 3, 8)), *g.normal(size=(2, 2, 2, 3, 4))


CASES = (
    Case("syllogism: typical", Syllogism(32, 4), lambda g: (g.normal(size=(2, 16, 32)),)),
    Case("syllogism: turned queries and keys", Syllogism(32, 4), draw_turned),
    Case("syllogism: turned, with a frame", Syllogism(32, 4), draw_framed),
    Case("syllogism: the contract's length", Syllogism(32, 4), lambda g: (g.normal(size=(1, 64, 32)),)),
    Case("syllogism: one token", Syllogism(8, 2), lambda g: (g.normal(size=(2, 1, 8)),)),
    Case("syllogism: sharp weights", Syllogism(16, 2), lambda g: (3 * g.normal(size=(2, 9, 16)),), noise=0.4),
    Case("syllogism: gates open and shut", Syllogism(16, 8), lambda g: (0.05 * g.normal(size=(2, 7, 16)),), noise=8.0),
    Case("syllogism: constant input", Syllogism(16, 2), lambda g: (np.full((2, 5, 16), 0.5),)),
    Case("syllogism: three tokens after five", Syllogism(8, 2), _step, "step"),
)
LENGTH = 8


def _one_hot(g: np.random.Generator, gate: np.ndarray) -> tuple[Syllogism, dict[str, np.ndarray], np.ndarray]:
    """Parameters and inputs for which each head's output is its weights M: values and output projection are one-hot.

    Of the 2 LENGTH features, the first half is random and makes queries and keys; the second half is the one-hot
    position, which is the value.
    """
    d = 2 * LENGTH
    qkv = representable(g.normal(size=(3 * d, d)))
    # Both heads have the same values.
    qkv[2 * d :] = np.tile(np.eye(LENGTH, d, LENGTH), (2, 1))
    x = np.concatenate([representable(g.normal(size=(2, LENGTH, LENGTH))), np.eye(LENGTH)[None].repeat(2, 0)], axis=-1)
    return Syllogism(d, 2), {"qkv.weight": qkv, "gate": gate, "out.weight": np.eye(d)}, x


def _weights(evaluate, g, gate) -> tuple[np.ndarray, ...]:
    """M of two heads for each of several gates, (B, H, T, T), for the same parameters."""
    spec, p, x = _one_hot(g, np.zeros(2))
    return tuple(spec.heads(evaluate(spec, p | {"gate": np.full(2, value)}, "__call__", x)) for value in gate)


def _conclusion(evaluate, g):
    premise, conclusion = _weights(evaluate, g, (-1000.0, 1000.0))
    return conclusion, premise @ premise


def _mixture(evaluate, g):
    gate = float(representable(g.normal()))
    premise, mixed, conclusion = _weights(evaluate, g, (-1000.0, gate, 1000.0))
    return mixed, (1 - expit(gate)) * premise + expit(gate) * conclusion


def _stochastic(evaluate, g):
    (weights,) = _weights(evaluate, g, (representable(g.normal()),))
    total = np.where(weights < 0, np.nan, weights).sum(-1)
    return total, np.ones_like(total)


def _blind(evaluate, g):
    (weights,) = _weights(evaluate, g, (representable(g.normal()),))
    return np.triu(weights, 1), np.zeros_like(weights)


def _hull(evaluate, g):
    # A hull is the intersection of its half-spaces: the output exceeds the furthest value in no direction.
    spec = Syllogism(8, 2)
    p = Case("", spec, None).parameters(g) | {"out.weight": np.eye(8)}
    x, directions = representable(g.normal(size=(2, 7, 8))), g.normal(size=(4, 50))
    values = spec.heads(x @ p["qkv.weight"][16:].T) @ directions
    furthest = np.maximum.accumulate(values, axis=2)
    y = spec.heads(evaluate(spec, p, "__call__", x)) @ directions
    return np.maximum(y, furthest), furthest


def _ordinary(evaluate, g):
    spec, ordinary = Syllogism(16, 4), Attention(16, 4)
    p, x = Case("", ordinary, None).parameters(g), representable(g.normal(size=(2, 9, 16)))
    return evaluate(spec, p | {"gate": np.full(4, -1000.0)}, "__call__", x), evaluate(ordinary, p, "__call__", x)


THEOREMS = (
    Theorem("syllogism: conclusion", "at g = 1 the weights are the square of those at g = 0", _conclusion, length=64),
    Theorem("syllogism: mixture", "M = (1 - g) P + g P P", _mixture, length=64),
    Theorem("syllogism: stochastic", "no weight is negative, and each row sums to 1", _stochastic, length=32),
    Theorem("syllogism: blind", "no weight falls on a later position", _blind, length=1, exact=True),
    Theorem("syllogism: hull", "a head's output lies in the convex hull of the values it may see", _hull, length=64),
    Theorem("syllogism: ordinary", "at g = 0 it is ordinary attention", _ordinary, length=1, exact=True),
    causality("syllogism", Syllogism(32, 4), draw_turned),
    continuation("syllogism", Syllogism(32, 4), draw_turned, length=128),
)

BENCHMARKS = (against("A3 syllogism / attention", Syllogism(32, 4), Attention(32, 4), budget=2.2),)

SYSTEM = System(
    "attention",
    "A3, the syllogism",
    job="mixer: attention applied once and twice, mixed by a gate for each head",
    module="mixer",
    build=lambda modules, sizes, tables: {"mixer": Syllogism(sizes.n_embd, sizes.n_head)},
)
