"""A9, the golden mean: a norm between deficiency and excess, and a gate that rests in the middle.

Idea. Virtue is a mean (Nicomachean Ethics II.6). The mean size of a vector's entries hardly sees an outlier, their root
mean square is ruled by it; the norm divides by a mean of the two. The gate of the perceptron lies between suppression
(0) and doubling (2), and its state of rest is 1.

Equations, for x in R^d and an activation u:
    scale(x) = sqrt(max(mean|x| * rms(x), tiny)),     N(x) = weight * x / scale(x)
    f(u)     = u (1 + |u|^p)^(-1/p),  p >= 1, p != 2,   for |u| > 1 as sign(u) (1 + |u|^-p)^(-1/p): nothing overflows
f gates the perceptron of `lyceum.personas.model.gated`.
f is u over the p-norm of (1, u): up to a constant, |f| is the power mean of exponent -p of |u| and 1. p = 1, the
default, is the harmonic mean; p = 2 is the chord of Euclid's norm. The scale is a geometric mean. tiny is a floor of
the squared scale: below it N is linear, so its slope at x = 0 is finite.

Why 1 + f. f is odd, so with the gate f(a) alone y(-x) = y(x). With 1 + f(a), y has an odd part too, and b passes
unchanged where f(a) = 0.

Choice of p. After 300 steps p = 1 and p = 4 are equal (5.597 and 5.596 nats on the last tenth of the training split),
and p = 1 costs half: one division.

Theorems.
 1. N(c x) = sign(c) N(x) for c != 0, above the floor: |c| leaves both means as a factor.
 2. mean|x| <= scale(x) <= rms(x), above the floor: mean|x| <= rms(x) by Cauchy and Schwarz, and a geometric mean lies
    between its terms.
 3. f is odd with f(0) = 0, |f| <= 1; f' = (1 + |u|^p)^(-1-1/p) lies in (0, 1], so f increases and is 1-Lipschitz.
 4. y(x) - y(-x) = 2 W_down W_b x: the part of y with f is even in x, the part with 1 is linear.

The backends clamp |u| to (4 / eps)^(1/p), where f is 1 to rounding, and use the first form only: a choice between two
forms entry by entry costs more than both. At p = 1 nothing finite overflows, and nothing is clamped.

Cost. Norm: d parameters, two means a token.
Sources: Zhang & Sennrich 2019 (RMSNorm); Turian 2009 (softsign, p = 1); Carlile 2017 (p = 2); the form
u / |(1, u)|_p is classical in fluid mechanics (Churchill 1972).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.model.gated import GatedPerceptron, contraries, extremes, increasing, odd
from lyceum.personas.spec.benchmark import against
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class GoldenMean:
    """n_embd: the width d. tiny: the floor of the squared scale, in x's unit squared."""

    n_embd: int
    tiny: float = 1e-6

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"weight": (d,)}, ones."""
        return {"weight": np.ones(self.n_embd)}

    def scale(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> (..., 1), positive."""
        rms = np.sqrt((x**2).mean(-1, keepdims=True))
        return np.sqrt(np.maximum(np.abs(x).mean(-1, keepdims=True) * rms, self.tiny))

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape."""
        return p["weight"] * x / self.scale(p, x)

    def frozen(self, p: dict[str, np.ndarray], x: np.ndarray, terms: np.ndarray) -> np.ndarray:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's scale is a constant."""
        return p["weight"] * terms / self.scale(p, x)[..., None]


def mesotes(u: np.ndarray, power: float) -> np.ndarray:
    """f(u) of exponent `power`, elementwise, float64, within [-1, 1]."""
    size = np.abs(u)
    within = u * (1 + np.minimum(size, 1) ** power) ** (-1 / power)
    beyond = np.sign(u) * (1 + np.maximum(size, 1) ** -power) ** (-1 / power)
    return np.where(size > 1, beyond, within)


def check_power(power: float) -> None:
    """Raises PersonaError for an exponent that the theorems do not cover."""
    if not power >= 1 or power == 2:
        raise PersonaError(f"the gate's exponent is {power}: choose 1 or more, and not 2, which is Euclid's.")


@dataclass(frozen=True)
class GatedMesotes(GatedPerceptron):
    """n_embd: the width d. hidden: the hidden width. power: the exponent p; PersonaError below 1 and at 2."""

    power: float = 1.0

    def __post_init__(self):
        check_power(self.power)

    def activate(self, p: dict[str, np.ndarray], u: np.ndarray) -> np.ndarray:
        """f(u), elementwise."""
        return mesotes(u, self.power)


GATED, CUBIC = GatedMesotes(8, 12), GatedMesotes(8, 12, 3.0)
CASES = (
    Case("golden: typical", GoldenMean(32), lambda g: (g.normal(size=(2, 5, 32)),)),
    Case("golden: the contract's sizes", GoldenMean(32), lambda g: (g.normal(size=(8, 64, 32)),)),
    Case("golden: one outlier", GoldenMean(16), lambda g: (g.normal(size=(4, 16)) + 50 * np.eye(4, 16),)),
    Case("golden: zero", GoldenMean(8), lambda g: (np.zeros((2, 8)),)),
    Case("golden: below the floor", GoldenMean(8, tiny=1e-2), lambda g: (1e-2 * g.normal(size=(4, 8)),)),
    Case("golden: scale", GoldenMean(16), lambda g: (g.normal(size=(4, 16)),), "scale"),
    Case("mesotes: typical", GATED, lambda g: (g.normal(size=(2, 5, 8)),), noise=0.5),
    Case("mesotes: the contract's sizes", GatedMesotes(32, 85), lambda g: (g.normal(size=(8, 64, 32)),)),
    Case("mesotes: extreme gates", GATED, lambda g: (10 * g.normal(size=(4, 8)),), noise=1.0),
    Case("mesotes: p = 3, extreme gates", CUBIC, lambda g: (100 * g.normal(size=(4, 8)),), noise=1.0),
    # At 0 itself p = 1 has no second derivative, and float16 ends at 65,504.
    Case("mesotes: p = 3, zero", CUBIC, lambda g: (np.zeros((2, 8)),)),
    Case("mesotes: activate", GATED, lambda g: (np.clip(extremes(g)[0], -3e4, 3e4) + 1e-3,), "activate"),
    Case("mesotes: p = 3, activate", CUBIC, extremes, "activate"),
)


def _homogeneous(evaluate, g):
    spec, p = GoldenMean(16), {"weight": representable(g.normal(size=16))}
    x, c = representable(g.normal(size=(6, 16))), g.choice([-1, 1], size=(6, 1)) * g.uniform(0.1, 100, (6, 1))
    return evaluate(spec, p, "__call__", c * x), np.sign(c) * evaluate(spec, p, "__call__", x)


def _octaves(evaluate, g):
    # Powers of two scale every number on the way without rounding.
    spec, p = GoldenMean(16), {"weight": representable(g.normal(size=16))}
    x, c = representable(g.normal(size=(6, 16))), g.choice([-4.0, -0.5, 2.0, 8.0], size=(6, 1))
    return evaluate(spec, p, "__call__", c * x), np.sign(c) * evaluate(spec, p, "__call__", x)


def _between(evaluate, g):
    spec, x = GoldenMean(16), representable(g.standard_t(2, size=(9, 16)))
    scale = evaluate(spec, {"weight": np.ones(16)}, "scale", x)
    low, high = np.abs(x).mean(-1, keepdims=True), np.sqrt((x**2).mean(-1, keepdims=True))
    return np.clip(scale, low, high), scale


def _drawn(g) -> GatedMesotes:
    return GatedMesotes(8, 12, g.choice([1.0, 1.5, 3.0, 4.0, 7.0]))


def _odd(evaluate, g):
    return odd(evaluate, g, _drawn(g))


def _increasing(evaluate, g):
    return increasing(evaluate, g, _drawn(g))


def _contraries(evaluate, g):
    return contraries(evaluate, g, _drawn(g))


THEOREMS = (
    Theorem("golden: homogeneous", "N(c x) = sign(c) N(x) above the floor", _homogeneous, length=4 * 16),
    Theorem("golden: octaves", "the same for powers of two, to the last bit", _octaves, length=0, exact=True),
    Theorem("golden: between", "mean|x| <= scale <= rms", _between, length=3 * 16),
    Theorem("mesotes: odd", "f(-u) = -f(u) to the last bit, and f(0) = 0", _odd, length=0, exact=True),
    Theorem("mesotes: increasing", "0 <= f(v) - f(u) <= v - u for u <= v, and |f| <= 1", _increasing, length=16),
    Theorem("mesotes: contraries", "y(x) - y(-x) = 2 W_down W_b x", _contraries, length=4 * 12),
)

BENCHMARKS = (
    against("A9 golden mean / layer norm", GoldenMean(32), LayerNorm(32)),
    against("A9 gated mesotes / GELU perceptron", GatedMesotes(32, 85), MLP(32)),
)

SYSTEM = System(
    "norm",
    "A9, the golden mean",
    job="norms by the geometric mean of mean|x| and rms; perceptrons with a bounded gate around 1",
    module="norm",
    build=lambda modules, sizes, tables: {
        "norm": GoldenMean(sizes.n_embd),
        "mlp": GatedMesotes(sizes.n_embd, 8 * sizes.n_embd // 3),
    },
)
