"""LayerNorm without bias: each vector is centred, divided by its deviation and scaled by a gain.

Equations.  mu = mean(x),  v = mean((x - mu)^2),  y = weight * (x - mu) / sqrt(v + eps),  over the last axis.

Theorem (invariance).  For eps = 0, N(a x + c 1) = sign(a) N(x) for every a != 0 and c: centring removes c, and
dividing by the deviation removes |a|. With eps > 0 the shift invariance stays exact, and the scale invariance holds up
to a relative eps / (2 v).

Cost: n_embd parameters, O(n_embd) a token. Source: Ba, Kiros, Hinton 2016; eps 1e-5 in both frameworks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.spec.case import Case, Theorem, representable


@dataclass(frozen=True)
class LayerNorm:
    """n_embd: the width. eps: added to the variance."""

    n_embd: int
    eps: float = 1e-5

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"weight": (n_embd,)}, ones."""
        return {"weight": np.ones(self.n_embd)}

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., n_embd) float64 -> the same shape."""
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred**2).mean(-1, keepdims=True)
        return p["weight"] * centred / np.sqrt(variance + self.eps)

    def frozen(self, p: dict[str, np.ndarray], x: np.ndarray, terms: np.ndarray) -> np.ndarray:
        """x (..., d), the sum of terms (..., n, d) -> what each brings to N(x) if x's deviation is a constant."""
        centred = terms - terms.mean(-1, keepdims=True)
        return p["weight"] * centred / np.sqrt(x.var(-1) + self.eps)[..., None, None]


CASES = (
    Case("norm: typical", LayerNorm(32), lambda g: (g.normal(size=(2, 5, 32)),)),
    Case("norm: variance near eps", LayerNorm(16), lambda g: (3e-3 * g.normal(size=(4, 16)),)),
    Case("norm: mean far from zero", LayerNorm(16), lambda g: (5 + g.normal(size=(4, 16)),)),
    Case("norm: constant vector", LayerNorm(8), lambda g: (np.full((2, 8), 0.5),)),
)


def _invariance(evaluate, g):
    spec, p = LayerNorm(16, eps=0.0), {"weight": representable(g.normal(size=16))}
    x = representable(g.normal(size=(6, 16)))
    # Powers of two and small integers, so that a x + c is exact and only the norm rounds.
    a, c = g.choice([-4.0, -0.5, 2.0, 8.0], size=(6, 1)), g.integers(-2, 3, size=(6, 1))
    x = np.round(x * 256) / 256
    return evaluate(spec, p, "__call__", a * x + c), np.sign(a) * evaluate(spec, p, "__call__", x)


THEOREMS = (Theorem("norm: invariance", "N(a x + c 1) = sign(a) N(x) for eps = 0", _invariance, length=4 * 16),)
