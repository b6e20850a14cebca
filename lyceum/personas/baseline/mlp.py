"""The two-layer perceptron of a block: hidden width 4 d, erf GELU.

Equations.  y = W_down gelu(W_up x),  gelu(u) = u Phi(u),  Phi(u) = (1 + erf(u / sqrt 2)) / 2. No biases.

Theorem (reflection).  gelu(u) - gelu(-u) = u, since Phi(u) + Phi(-u) = 1; and gelu(0) = 0, so y(0) = 0.

Cost: 8 d^2 parameters. Source: Hendrycks & Gimpel 2016 (GELU).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from lyceum.personas.spec.case import Case, Theorem, representable


def gelu(u: np.ndarray) -> np.ndarray:
    """u Phi(u), elementwise, float64."""
    return u * ndtr(u)


@dataclass(frozen=True)
class MLP:
    """n_embd: the width d of the residual stream; the hidden width is 4 d."""

    n_embd: int

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"up.weight": (4d, d), "down.weight": (d, 4d)}; the projection onto the residual stream starts smaller."""
        d = self.n_embd
        return {
            "up.weight": stream.normal(0, 0.02, (4 * d, d)),
            "down.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (d, 4 * d)),
        }

    def features(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> the hidden layer, (..., 4d)."""
        return gelu(x @ p["up.weight"].T)

    def rows(self, p: dict[str, np.ndarray]) -> np.ndarray:
        """What each entry of the hidden layer adds to the stream, (4d, d)."""
        return p["down.weight"].T

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape."""
        return self.features(p, x) @ self.rows(p)


CASES = (
    Case("mlp: typical", MLP(32), lambda g: (g.normal(size=(2, 5, 32)),)),
    Case("mlp: both tails of the gelu", MLP(8), lambda g: (6 * g.normal(size=(4, 8)),), noise=0.5),
    Case("mlp: zero", MLP(8), lambda g: (np.zeros((2, 8)),)),
)


def _reflection(evaluate, g):
    spec, d = MLP(6), 6
    eye = np.eye(d)
    # up = [1, -1, 0, 0], down = [1, -1, 0, 0] turns the layer into gelu(u) - gelu(-u).
    p = {
        "up.weight": np.concatenate([eye, -eye, 0 * eye, 0 * eye]),
        "down.weight": np.concatenate([eye, -eye, 0 * eye, 0 * eye], axis=1),
    }
    x = representable(3 * g.normal(size=(5, d)))
    return evaluate(spec, p, "__call__", x), x


THEOREMS = (Theorem("mlp: reflection", "gelu(u) - gelu(-u) = u", _reflection, length=16),)
