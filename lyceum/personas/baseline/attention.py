"""Causal softmax attention over H heads of width d/H.

Equations.  q, k, v = x Wq^T, x Wk^T, x Wv^T, split into H heads; q and k are turned if the position module gives a
rotation;  s[t, u] = q_t . k_u / sqrt(d/H) for u <= t;  P = softmax of s over u;
y_t = sum_u P[t, u] v_u;  output = concat(y) Wo^T. No biases.

Theorems.  (1) Causality: the output at t is a function of x_0 .. x_t. (2) P is row-stochastic, so each head's output
lies in the convex hull of the values it may see.

The cache holds the turned keys and the values: 2 d numbers a token. New tokens come after all cached ones, so their
queries see the cache and the earlier new tokens, and the cache never changes (`lyceum.personas.properties.sequences`).

Cost: 4 d^2 parameters, O(T d^2 + T^2 d) a sequence; O(d^2 + t d) for a token after t. Source: Vaswani et al. 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from lyceum.personas.properties.sequences import causality, continuation
from lyceum.personas.spec.case import Case, Theorem, representable


def turned(
    x: np.ndarray, cos: np.ndarray, sin: np.ndarray, frame: np.ndarray | None = None, eps: float = 1e-5
) -> np.ndarray:
    """x (B, H, T, w) turned by a rotary position module: each pair (x_i, x_{i+w/2}) by its angle.

    cos, sin: broadcastable to x; sin has the sign of each half, minus in the first. frame (H, w, w): given by a module
    whose planes are not spanned by coordinate axes; x is then first normalised to a mean square of 1 (eps is added to
    its mean square) and mapped by the frame.
    """
    if frame is not None:
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) @ frame
    return x * cos + np.roll(x, x.shape[-1] // 2, axis=-1) * sin


@dataclass(frozen=True)
class Attention:
    """n_embd: the width d. n_head: the number of heads H, a divisor of d. eps: see `turned`, used with a frame."""

    n_embd: int
    n_head: int
    eps: float = 1e-5

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"qkv.weight": (3d, d), "out.weight": (d, d)}; the projection onto the residual stream starts smaller."""
        d = self.n_embd
        return {
            "qkv.weight": stream.normal(0, 0.02, (3 * d, d)),
            "out.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (d, d)),
        }

    def heads(self, x: np.ndarray) -> np.ndarray:
        """(B, T, d) -> (B, H, T, d/H)."""
        batch, length, _ = x.shape
        return x.reshape(batch, length, self.n_head, -1).transpose(0, 2, 1, 3)

    def parts(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> tuple[np.ndarray, ...]:
        """x (B, T, d) -> queries, keys and values, (B, H, T, d/H) each."""
        q, k, v = (self.heads(part) for part in np.split(x @ p["qkv.weight"].T, 3, axis=-1))
        if rotation:
            q, k = turned(q, *rotation, eps=self.eps), turned(k, *rotation, eps=self.eps)
        return q, k, v

    def scores(self, p: dict[str, np.ndarray], q: np.ndarray, k: np.ndarray) -> np.ndarray:
        """Queries (B, H, n, d/H), keys (B, H, t, d/H) -> s, (B, H, n, t)."""
        return q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])

    def weights(self, p: dict[str, np.ndarray], q: np.ndarray, k: np.ndarray) -> np.ndarray:
        """Queries of the last n of t tokens (B, H, n, d/H), keys of all -> P, (B, H, n, t)."""
        n, t = q.shape[2], k.shape[2]
        return softmax(np.where(np.tri(n, t, t - n, dtype=bool), self.scores(p, q, k), -np.inf), axis=-1)

    def attended(self, p: dict[str, np.ndarray], q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Queries of the last n of t tokens (B, H, n, d/H), keys and values of all -> y (B, H, n, d/H)."""
        return self.weights(p, q, k) @ v

    def joined(self, p: dict[str, np.ndarray], y: np.ndarray) -> np.ndarray:
        """Outputs of the heads, (B, H, T, d/H) -> (B, T, d)."""
        return y.transpose(0, 2, 1, 3).reshape(len(y), y.shape[2], -1) @ p["out.weight"].T

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) float64 -> the same shape. rotation: empty, or (cos, sin[, frame]) as in `turned`."""
        return self.joined(p, self.attended(p, *self.parts(p, x, *rotation)))

    def attention(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) -> which earlier positions each head attends to, (B, H, T, T); rows sum to 1."""
        return self.weights(p, *self.parts(p, x, *rotation)[:2])

    def start(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """The cache before the first token: keys and values, (B, H, 0, d/H)."""
        empty = np.zeros((batch, self.n_head, 0, self.n_embd // self.n_head))
        return empty, empty

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, ...]:
        """(keys and values (B, H, t, d/H), n new tokens (B, n, d), their rotation) -> the cache, y (B, n, d)."""
        k, v, x, *rotation = arguments
        q, *new = self.parts(p, x, *rotation)
        k, v = (np.concatenate(pair, axis=2) for pair in zip((k, v), new, strict=True))
        return k, v, self.joined(p, self.attended(p, q, k, v))


def draw_turned(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """x (2, 9, 32), and random numbers as cos and sin of four heads of width 8."""
    return g.normal(size=(2, 9, 32)), *g.normal(size=(2, 2, 4, 9, 8))


def draw_framed(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """`draw_turned`, and a frame of each head, (4, 8, 8)."""
    return *draw_turned(g), g.normal(size=(4, 8, 8))


def draw_step(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Cached keys and values (2, 2, 5, 4), three tokens x (2, 3, 8), and random numbers as their rotation."""
    return *g.normal(size=(2, 2, 2, 5, 4)), g.normal(size=(2, 3, 8)), *g.normal(size=(2, 2, 2, 3, 4))


def draw_first(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """An empty cache of keys and values, and one token."""
    return *np.zeros((2, 2, 2, 0, 4)), g.normal(size=(2, 1, 8))


CASES = (
    Case("attention: typical", Attention(32, 4), lambda g: (g.normal(size=(2, 16, 32)),)),
    Case("attention: turned queries and keys", Attention(32, 4), draw_turned),
    Case("attention: turned, with a frame", Attention(32, 4), draw_framed),
    Case("attention: the contract's length", Attention(32, 4), lambda g: (g.normal(size=(1, 64, 32)),)),
    Case("attention: one token", Attention(8, 2), lambda g: (g.normal(size=(2, 1, 8)),)),
    Case("attention: sharp weights", Attention(16, 2), lambda g: (4 * g.normal(size=(2, 9, 16)),), noise=0.5),
    Case("attention: three tokens after five", Attention(8, 2), lambda g: draw_step(g)[:3], "step"),
    Case("attention: three turned tokens after five", Attention(8, 2), draw_step, "step"),
    Case("attention: the first token", Attention(8, 2), draw_first, "step"),
)


def _hull(evaluate, g):
    # All values are equal, so attention returns that value, whatever the weights.
    spec, d = Attention(8, 2), 8
    qkv, value = representable(g.normal(size=(3 * d, d))), representable(g.normal(size=d))
    qkv[2 * d :] = 0
    qkv[2 * d :, 0] = value
    x = representable(g.normal(size=(2, 7, d)))
    x[..., 0] = 1
    p = {"qkv.weight": qkv, "out.weight": np.eye(d)}
    return evaluate(spec, p, "__call__", x), np.broadcast_to(value, x.shape)


THEOREMS = (
    causality("attention", Attention(32, 4), draw_turned),
    Theorem("attention: hull", "the output lies in the convex hull of the values", _hull, length=16),
    continuation("attention", Attention(32, 4), draw_turned, length=64),
)
