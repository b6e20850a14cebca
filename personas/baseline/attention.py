"""Causal softmax attention over H heads of width d/H.

Equations.  q, k, v = x Wq^T, x Wk^T, x Wv^T, cut into heads, q and k turned if the position room hands in a rotation;
s[t, u] = q_t . k_u / sqrt(d/H) for u <= t;  P = softmax of s over u;
y_t = sum_u P[t, u] v_u;  output = concat(y) Wo^T. No biases.

Theorems.  (1) Causality: the output at t is a function of x_0 .. x_t. (2) P is row-stochastic, so each head's output
lies in the convex hull of the values it may see.

Cost: 4 d^2 parameters, O(T d^2 + T^2 d) a sequence. Source: Vaswani et al. 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from personas.case import Case, Theorem, representable


def turned(x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """x (B, H, T, w) turned by a rotary position room: each pair (x_i, x_{i+w/2}) by its angle.

    cos, sin: broadcastable to x; sin carries the sign of each half, minus in the first.
    """
    return x * cos + np.roll(x, x.shape[-1] // 2, axis=-1) * sin


@dataclass(frozen=True)
class Attention:
    """n_embd: the width d. n_head: the number of heads H, a divisor of d."""

    n_embd: int
    n_head: int

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"qkv.weight": (3d, d), "out.weight": (d, d)}; the projection onto the residual stream is scaled down."""
        d = self.n_embd
        return {
            "qkv.weight": stream.normal(0, 0.02, (3 * d, d)),
            "out.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (d, d)),
        }

    def heads(self, x: np.ndarray) -> np.ndarray:
        """(B, T, d) -> (B, H, T, d/H)."""
        batch, length, _ = x.shape
        return x.reshape(batch, length, self.n_head, -1).transpose(0, 2, 1, 3)

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) float64 -> the same shape. rotation: nothing, or cos and sin as in `turned`."""
        batch, length, d = x.shape
        q, k, v = (self.heads(part) for part in np.split(x @ p["qkv.weight"].T, 3, axis=-1))
        if rotation:
            q, k = turned(q, *rotation), turned(k, *rotation)
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d / self.n_head)
        scores = np.where(np.tri(length, dtype=bool), scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        y = (weights @ v).transpose(0, 2, 1, 3).reshape(batch, length, d)
        return y @ p["out.weight"].T


def _turned(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return g.normal(size=(2, 9, 32)), *g.normal(size=(2, 2, 4, 9, 8))


CASES = (
    Case("attention: typical", Attention(32, 4), lambda g: (g.normal(size=(2, 16, 32)),)),
    Case("attention: turned queries and keys", Attention(32, 4), _turned),
    Case("attention: the contract's length", Attention(32, 4), lambda g: (g.normal(size=(1, 64, 32)),)),
    Case("attention: one place", Attention(8, 2), lambda g: (g.normal(size=(2, 1, 8)),)),
    Case("attention: sharp weights", Attention(16, 2), lambda g: (4 * g.normal(size=(2, 9, 16)),), spread=0.5),
)


def _causality(evaluate, g):
    spec, t = Attention(16, 4), int(g.integers(1, 12))
    p = Case("", spec, None).parameters(g)
    x, later = representable(g.normal(size=(2, 12, 16))), representable(g.normal(size=(2, 12, 16)))
    changed = np.where(np.arange(12)[None, :, None] < t, x, later)
    return evaluate(spec, p, "__call__", x)[:, :t], evaluate(spec, p, "__call__", changed)[:, :t]


def _hull(evaluate, g):
    # All values equal: their hull is one point, whatever the weights, so attention must return it.
    spec, d = Attention(8, 2), 8
    qkv, value = representable(g.normal(size=(3 * d, d))), representable(g.normal(size=d))
    qkv[2 * d :] = 0
    qkv[2 * d :, 0] = value
    x = representable(g.normal(size=(2, 7, d)))
    x[..., 0] = 1
    p = {"qkv.weight": qkv, "out.weight": np.eye(d)}
    return evaluate(spec, p, "__call__", x), np.broadcast_to(value, x.shape)


THEOREMS = (
    Theorem(
        "attention: causality", "the output before t does not change with inputs from t on", _causality, 64, exact=True
    ),
    Theorem("attention: hull", "the output lies in the convex hull of the values", _hull, length=16),
)
