"""Causal softmax attention over H heads of width d/H.

Equations.  q, k, v = x Wq^T, x Wk^T, x Wv^T, cut into heads;  s[t, u] = q_t . k_u / sqrt(d/H) for u <= t;
P = softmax of s over u;  y_t = sum_u P[t, u] v_u;  output = concat(y) Wo^T. No biases.

Theorems.  (1) Causality: the output at t is a function of x_0 .. x_t. (2) P is row-stochastic, so each head's output
lies in the convex hull of the values it may see.

Cost: 4 d^2 parameters, O(T d^2 + T^2 d) a sequence. Source: Vaswani et al. 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (B, T, d) float64 -> the same shape."""
        batch, length, d = x.shape
        q, k, v = (self.heads(part) for part in np.split(x @ p["qkv.weight"].T, 3, axis=-1))
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d / self.n_head)
        scores = np.where(np.tri(length, dtype=bool), scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        y = (weights @ v).transpose(0, 2, 1, 3).reshape(batch, length, d)
        return y @ p["out.weight"].T
