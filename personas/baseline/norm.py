"""LayerNorm without bias: each vector is centred and brought to unit variance, then scaled by a gain.

Equations.  mu = mean(x),  v = mean((x - mu)^2),  y = weight * (x - mu) / sqrt(v + eps),  over the last axis.

Theorem (invariance).  For eps = 0, N(a x + c 1) = sign(a) N(x) for every a != 0 and c: centring removes c, and
dividing by the deviation removes |a|. With eps > 0 the shift invariance stays exact, and the scale invariance holds up
to a relative eps / (2 v).

Cost: n_embd parameters, O(n_embd) a token. Source: Ba, Kiros, Hinton 2016; eps 1e-5 in both frameworks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
