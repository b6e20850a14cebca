"""The sums within a chunk, for layers that scan a text in chunks."""

from __future__ import annotations

import mlx.core as mx


def padded(x: mx.array, axis: int, first: int, last: int) -> mx.array:
    """x with zeros before and after along an axis."""
    return mx.pad(x, [(first, last) if i == axis % x.ndim else (0, 0) for i in range(x.ndim)])


def sums(x: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """x (..., L) -> its sums over i < j <= t, (..., t, i), 0 for i >= t; over j <= t, (..., t); and [i <= t], (t, i).

    Each sum is added up separately. Differences of two cumulative sums would lose digits, and could change sign.
    """
    past = mx.tri(x.shape[-1], dtype=x.dtype)
    between = past[:, None] * (1 - past)
    return mx.unflatten(x @ between.flatten(0, 1).T, -1, past.shape), x @ past.T, past
