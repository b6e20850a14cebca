"""E9, the sphere and the chord: a norm with one radius, and a gate that is a side of a right triangle.

Idea. To describe a sphere a centre and a distance are given (Postulate 3; Elements XI, definition 14): the norm moves
every point along its radius onto one sphere. The gate takes the sides 1 and u of a right triangle and answers with the
second side as a part of the hypotenuse (I.47): the half-chord of the angle whose tangent is u.

Equations, for x in R^d, r = radius, and an activation u:
    unit(x) = x / max(|x|, tiny),     N(x) = r unit(x)
    f(u)    = u / sqrt(1 + u^2)
and the perceptron that f gates is that of `lyceum.personas.model.gated`. r begins at sqrt(d), where |N(x)| is the
length of a vector with entries of size 1. N is linear in the ball |x| < tiny, so its slope at x = 0 is r / tiny.

A gate f(a) alone would be simpler; Euclid has 1 + f(a) for the reason given in `lyceum.personas.model.gated`: N is odd,
and an even layer after an odd norm cannot tell a point from its antipode.

Theorems, for |x| >= tiny and r >= tiny.
 1. N(N(x)) = N(x), for |N(x)| = r: a point on the sphere stays there. So N is the projection onto the sphere.
 2. N(R x) = R N(x) for every orthogonal R: |R x| = |x|. (Gains per channel, as other norms have, would break this; the
    matrices that follow can hold them as well.)
 3. N(c x) = N(x) for c > 0: all points of a ray have one image.
 4. f is odd with f(0) = 0 and |f| < 1; f' = (1 + u^2)^(-3/2) lies in (0, 1], so f increases and is 1-Lipschitz.
 5. f is algebraic: f^2 (1 + u^2) = u^2. Hence f(u)^2 + f(1/u)^2 = 1, the two sides of one triangle (Pythagoras), and
    f applied n times is u / sqrt(1 + n u^2): 1 / f^2 = 1 / u^2 + 1, and each application adds 1.
 6. y(x) - y(-x) = 2 W_down W_b x, see `lyceum.personas.model.gated`.

The reference computes the hypotenuse without forming its square. The backends clip u to |u| <= 2 / sqrt(eps), where f
is 1 to rounding (1 - f < 1 / (2 u^2) = eps / 8): so no square overflows in any precision.

Cost. Norm: 1 parameter, one sum of squares a token. Perceptron: as `lyceum.personas.model.gated`; no division, one
rsqrt a gate.
Sources: Loshchilov et al. 2024 (nGPT); Zhang & Sennrich 2019 (RMSNorm without its gain); Carlile 2017 (ISRU).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.model.gated import GatedPerceptron, contraries, extremes, increasing, odd
from lyceum.personas.spec.benchmark import against
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System

TINY = 1e-3  # default of `tiny`: a shorter vector counts as having no direction


def unit(x: np.ndarray, tiny: float) -> np.ndarray:
    """x (..., d) -> the same shape, of length 1; shorter where |x| < tiny."""
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), tiny)


@dataclass(frozen=True)
class SphereNorm:
    """n_embd: the width d. tiny: the least length that is scaled to the radius, in x's unit."""

    n_embd: int
    tiny: float = TINY

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"radius": ()}, sqrt(d)."""
        return {"radius": np.sqrt(np.array(float(self.n_embd)))}

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape."""
        return p["radius"] * unit(x, self.tiny)

    def frozen(self, p: dict[str, np.ndarray], x: np.ndarray, terms: np.ndarray) -> np.ndarray:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's length is a constant."""
        return p["radius"] * terms / np.maximum(np.linalg.norm(x, axis=-1), self.tiny)[..., None, None]


def chord(u: np.ndarray) -> np.ndarray:
    """f(u), elementwise, float64; its limits at the infinities, which large numbers become in float16."""
    u = np.clip(u, -(2.0**60), 2.0**60)  # beyond, f is 1 or -1 to the last bit
    return u / np.hypot(1, u)


@dataclass(frozen=True)
class ChordPerceptron(GatedPerceptron):
    """n_embd: the width d. hidden: the width of the hidden layer."""

    def activate(self, p: dict[str, np.ndarray], u: np.ndarray) -> np.ndarray:
        """f(u), elementwise."""
        return chord(u)


GATED = ChordPerceptron(8, 12)
CASES = (
    Case("sphere: typical", SphereNorm(32), lambda g: (g.normal(size=(2, 5, 32)),)),
    Case("sphere: the contract's sizes", SphereNorm(32), lambda g: (g.normal(size=(8, 64, 32)),)),
    Case("sphere: one token, one outlier", SphereNorm(16), lambda g: (g.normal(size=(1, 16)) + 50 * np.eye(1, 16),)),
    Case("sphere: zero", SphereNorm(8), lambda g: (np.zeros((2, 8)),)),
    Case("sphere: within tiny", SphereNorm(8, tiny=0.5), lambda g: (0.05 * g.normal(size=(4, 8)),)),
    Case("chord: typical", GATED, lambda g: (g.normal(size=(2, 5, 8)),), noise=0.5),
    Case("chord: the contract's sizes", ChordPerceptron(32, 85), lambda g: (g.normal(size=(8, 64, 32)),)),
    Case("chord: extreme gates", GATED, lambda g: (10 * g.normal(size=(4, 8)),), noise=1.0),
    Case("chord: zero", GATED, lambda g: (np.zeros((2, 8)),)),
    Case("chord: activate", GATED, lambda g: (np.clip(extremes(g)[0], -6e4, 6e4),), "activate"),
    Case("chord: activate, beyond float16", GATED, extremes, "activate"),
)


def _drawn(g):
    spec = SphereNorm(16)
    return spec, Case("", spec, None).parameters(g), representable(g.standard_t(2, size=(9, 16)))


def _idempotent(evaluate, g):
    spec, p, x = _drawn(g)
    once = evaluate(spec, p, "__call__", x)
    twice = evaluate(spec, p, "__call__", once)
    return np.append(twice, np.linalg.norm(once, axis=-1)), np.append(once, np.full(9, p["radius"]))


def _turned(evaluate, g):
    spec, p, x = _drawn(g)
    turn = np.linalg.qr(g.normal(size=(16, 16)))[0]
    return evaluate(spec, p, "__call__", x @ turn.T), evaluate(spec, p, "__call__", x) @ turn.T


def _rays(evaluate, g):
    # A power of two scales every intermediate number without rounding.
    spec, p, x = _drawn(g)
    return evaluate(spec, p, "__call__", x * g.choice([0.25, 2.0, 8.0], size=(9, 1))), evaluate(spec, p, "__call__", x)


def _odd(evaluate, g):
    return odd(evaluate, g, GATED)


def _increasing(evaluate, g):
    return increasing(evaluate, g, GATED)


def _contraries(evaluate, g):
    return contraries(evaluate, g, GATED)


def _pythagoras(evaluate, g):
    # The reciprocal of a power of two is exact.
    u = 2.0 ** np.arange(-40, 41)
    p = Case("", GATED, None).parameters(g)
    side, other = evaluate(GATED, p, "activate", u), evaluate(GATED, p, "activate", 1 / u)
    return side**2 + other**2, np.ones(81)


def _repeated(evaluate, g):
    p, u = Case("", GATED, None).parameters(g), representable(2 * g.normal(size=50))
    y = u
    for _ in range(4):
        y = evaluate(GATED, p, "activate", y)
    return y, u / np.sqrt(1 + 4 * u**2)


THEOREMS = (
    Theorem("sphere: idempotent", "N(N(x)) = N(x), of length r", _idempotent, length=4 * 16),
    Theorem("sphere: turned", "N(R x) = R N(x) for orthogonal R", _turned, length=4 * 16),
    Theorem("sphere: rays", "N(c x) = N(x) for c = 2^k to the last bit", _rays, length=0, exact=True),
    Theorem("chord: odd", "f(-u) = -f(u) to the last bit, and f(0) = 0", _odd, length=0, exact=True),
    Theorem("chord: increasing", "0 <= f(v) - f(u) <= v - u for u <= v, and |f| <= 1", _increasing, length=16),
    Theorem("chord: Pythagoras", "f(u)^2 + f(1/u)^2 = 1", _pythagoras, length=8),
    Theorem("chord: repeated", "f applied n times is u / sqrt(1 + n u^2)", _repeated, length=16),
    Theorem("chord: contraries", "y(x) - y(-x) = 2 W_down W_b x", _contraries, length=4 * 12),
)

BENCHMARKS = (
    against("E9 sphere / layer norm", SphereNorm(32), LayerNorm(32)),
    against("E9 gated chord / GELU perceptron", ChordPerceptron(32, 85), MLP(32)),
)

SYSTEM = System(
    "norm",
    "E9, the sphere and the chord",
    job="norm and gated MLP: one radius for all channels, a gate that is a side of a right triangle",
    module="norm",
    build=lambda modules, sizes, tables: {
        "norm": SphereNorm(sizes.n_embd),
        "mlp": ChordPerceptron(sizes.n_embd, 8 * sizes.n_embd // 3),
    },
)
