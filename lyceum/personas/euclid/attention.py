"""E3, the circle: attention by distance, on the fused kernel of ordinary attention.

Idea. To describe a circle with any centre and distance (Postulate 3). Each query is a centre; keys are heard by how far
from it they lie, and all keys of one circle are heard alike. How fast hearing fades with distance, each head learns.

Equations.  q, k, v = x Wq^T, x Wk^T, x Wv^T, split into H heads; q and k are turned if the position module gives a
rotation;  score[t, u] = -beta_h |q_t - k_u|^2 for u <= t, beta_h = exp(b_h) > 0;  y = softmax(score) v;
output = concat(y) Wo^T.

Construction. softmax over u does not see terms that depend on t alone, and
    -beta |q - k|^2 = 2 beta (q . k - |k|^2 / 2) - beta |q|^2,
so the backends give the fused kernel one more coordinate, the lifting of a plane onto a paraboloid:
    q' = 2 beta [q, 1],   k' = [k, -|k|^2 / 2],   q' . k' = score + beta |q|^2,   scale 1.
Queries and keys are first translated so that the first key of the text is the origin; this changes no distance. Every
query may see the first key, so nothing of the future enters and cached keys never change. The mean of all keys would
see the future, and the mean of the past differs from query to query. By the same invariance the gradient with respect
to the origin is 0, so the origin is a constant (a learned centre would never learn).

Rounding. Let D bound the distance of all queries and keys of a head from the first key, and w = d/H be its width. Then
each score of the augmented form is off by at most  3 (w + 6) u beta D^2,  u the unit roundoff, to first order in u: it
is a sum of w + 1 products of size 2 beta (|q||k| + |k|^2 / 2) <= 3 beta D^2, whose factors carry up to 5 roundings.
Without the translation, D would be the distance from the origin. Measured in float32 for beta = 0.2 and vectors of
deviation 1 about a centre that is 0, 10, 100, 1,000 away from the origin: 2e-6 in every case; without the translation
9e-7, 1e-5, 1e-3 and 0.1.

Theorems.
 1. It equals attention by explicit distances.
 2. Isometry: one rotation and one translation of all queries and keys together change nothing.
 3. beta = 0 gives the mean of the values so far.
 4. Causality, and continuation from a cache of keys and values.
 5. Hull: each head's output lies in the convex hull of the values that it may see.
Proofs. 1 is the identity above. |(Rq + a) - (Rk + a)| = |q - k|: 2. Equal scores give equal weights: 3. The weights are
row-stochastic: 5. Score [t, u] is a function of x_0, x_t and x_u: 4.

Initial value: beta = 1 / (2 sqrt w), so that q' . k' contains the q . k / sqrt w of ordinary attention.

Cost: 4 d^2 + H parameters; attention with heads of width w + 1; 2 d numbers a token in generation. PyTorch's fused
kernel on CPU takes values as wide as keys, else it is six times slower at T = 1,024; so values are padded there.
Against plain attention (`python -m parity layer-benchmarks E3`) the kernel itself takes 1.05 times as long, for the
added coordinate. The operands cost 25 elementwise operations, forward and backward, of 10 to 40 us each. In PyTorch at
T = 64 they add half of attention's time, more than the budget of a factor 1.3; at T = 1,024, or in MLX, they add
little. One projection with the last coordinates left empty, and one hand-written autograd node, were no faster.
Sources: Euclid, Elements I, Postulate 3; Kim et al. 2021 (Lipschitz attention, by L2 distance); the paraboloid is the
lifting map of computational geometry (Edelsbrunner & Seidel 1986).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.attention import Attention, draw_first, draw_framed, draw_step, draw_turned
from lyceum.personas.properties.sequences import causality, continuation
from lyceum.personas.spec.benchmark import LayerBenchmark, Side, against, long
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class CircleAttention(Attention):
    """n_embd: the width d. n_head: the number of heads H, a divisor of d. eps: see `turned`, used with a frame."""

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"qkv.weight": (3d, d), "log_beta": (H,), "out.weight": (d, d)}: attention's, and log beta."""
        width = self.n_embd // self.n_head
        beta = np.full(self.n_head, 0.5 / np.sqrt(width))
        return super().initial(stream, n_layer) | {"log_beta": np.log(beta)}

    def scores(self, p: dict[str, np.ndarray], q: np.ndarray, k: np.ndarray) -> np.ndarray:
        """Queries (B, H, n, w), keys (B, H, t, w) -> -beta |q - k|^2, (B, H, n, t)."""
        distance = np.linalg.norm(q[:, :, :, None] - k[:, :, None], axis=-1)
        return -np.exp(p["log_beta"])[:, None, None] * distance**2


def _vectors(length: int, away: float = 0.0):
    """Queries, keys and values of four heads of width 8, about a centre that is `away` from the origin."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        centre = g.normal(size=(2, 4, 1, 8))
        centre *= away / np.linalg.norm(centre, axis=-1, keepdims=True)
        q, k, v = g.normal(size=(3, 2, 4, length, 8))
        return centre + q, centre + k, v

    return draw


CASES = (
    Case("circle: typical", CircleAttention(32, 4), lambda g: (g.normal(size=(2, 16, 32)),)),
    Case("circle: turned queries and keys", CircleAttention(32, 4), draw_turned),
    Case("circle: turned, with a frame", CircleAttention(32, 4), draw_framed),
    Case("circle: the contract's length", CircleAttention(32, 4), lambda g: (g.normal(size=(1, 64, 32)),)),
    Case("circle: one token", CircleAttention(8, 2), lambda g: (g.normal(size=(2, 1, 8)),)),
    Case("circle: sharp weights", CircleAttention(16, 2), lambda g: (3 * g.normal(size=(2, 9, 16)),), noise=0.4),
    Case("circle: constant input", CircleAttention(16, 2), lambda g: (np.full((2, 5, 16), 0.5),)),
    Case("circle: zeros", CircleAttention(16, 2), lambda g: (np.zeros((2, 5, 16)),)),
    Case("circle: many betas", CircleAttention(8, 8), lambda g: (0.3 * g.normal(size=(2, 7, 8)),), noise=1.0),
    Case("circle: queries, keys and values", CircleAttention(32, 4), _vectors(9), "attended"),
    Case("circle: vectors far from the origin", CircleAttention(32, 4), _vectors(9, 100.0), "attended"),
    Case("circle: attention weights", CircleAttention(32, 4), draw_turned, "attention"),
    Case("circle: three tokens after five", CircleAttention(8, 2), lambda g: draw_step(g)[:3], "step"),
    Case("circle: three turned tokens after five", CircleAttention(8, 2), draw_step, "step"),
    Case("circle: the first token", CircleAttention(8, 2), draw_first, "step"),
)
HEADS, LENGTH = CircleAttention(32, 4), 12


def _drawn(g: np.random.Generator) -> tuple:
    """Parameters of HEADS in general position, and (q, k, v)."""
    return Case("", HEADS, None).parameters(g), tuple(representable(x) for x in _vectors(LENGTH)(g))


def _by_distance(p: dict[str, np.ndarray], q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Attention by explicit distances: one coordinate, one key and one query at a time."""
    y = np.zeros_like(v)
    for b, h, t in np.ndindex(q.shape[:3]):
        squares = [sum((q[b, h, t, i] - k[b, h, u, i]) ** 2 for i in range(q.shape[-1])) for u in range(t + 1)]
        weights = [np.exp(np.exp(p["log_beta"][h]) * (min(squares) - square)) for square in squares]
        y[b, h, t] = sum(weight * v[b, h, u] for u, weight in enumerate(weights)) / sum(weights)
    return y


def _explicit(evaluate, g):
    p, vectors = _drawn(g)
    return evaluate(HEADS, p, "attended", *vectors), _by_distance(p, *vectors)


def _isometry(evaluate, g):
    p, (q, k, v) = _drawn(g)
    rotation, _ = np.linalg.qr(g.normal(size=(4, 8, 8)))
    shift = g.normal(size=(4, 1, 8))
    moved = evaluate(HEADS, p, "attended", q @ rotation + shift, k @ rotation + shift, v)
    return moved, evaluate(HEADS, p, "attended", q, k, v)


def _mean(evaluate, g):
    p, (q, k, v) = _drawn(g)
    mean = np.cumsum(v, axis=2) / np.arange(1, LENGTH + 1)[:, None]
    return evaluate(HEADS, p | {"log_beta": np.full(4, -1000.0)}, "attended", q, k, v), mean


def _hull(evaluate, g):
    # A hull is the intersection of its half-spaces: the output exceeds the furthest value in no direction.
    p, (q, k, v) = _drawn(g)
    directions = g.normal(size=(8, 50))
    furthest = np.maximum.accumulate(v @ directions, axis=2)
    return np.maximum(evaluate(HEADS, p, "attended", q, k, v) @ directions, furthest), furthest


THEOREMS = (
    Theorem("circle: explicit", "it is attention by explicit distances", _explicit, length=64),
    Theorem("circle: isometry", "one rotation and translation of queries and keys change nothing", _isometry, 400),
    Theorem("circle: mean", "beta = 0 gives the mean of the values so far", _mean, length=32),
    Theorem("circle: hull", "a head's output lies in the convex hull of the values it may see", _hull, length=64),
    causality("circle", CircleAttention(32, 4), draw_turned),
    continuation("circle", CircleAttention(32, 4), draw_turned, length=128),
)

CIRCLE, ATTENTION = CircleAttention(32, 4), Attention(32, 4)
BENCHMARKS = (
    against("E3 circle / attention", CIRCLE, ATTENTION, budget=1.3),
    LayerBenchmark(
        "E3 circle / attention, T = 1,024", Side(CIRCLE, long(1024)), Side(ATTENTION, long(1024)), budget=1.3
    ),
)

SYSTEM = System(
    "attention",
    "E3, the circle",
    job="mixer: attention by distance",
    module="mixer",
    build=lambda modules, sizes, tables: {"mixer": CircleAttention(sizes.n_embd, sizes.n_head)},
)
