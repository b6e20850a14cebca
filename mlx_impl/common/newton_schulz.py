"""Newton-Schulz on a stack of matrices. Reference: `lyceum.personas.model.newton_schulz`."""

from __future__ import annotations

import mlx.core as mx


def newton_schulz(m: mx.array, quintic: tuple[float, ...], steps: int) -> mx.array:
    """m (n, r, c) -> U of each, on the shorter side."""
    (a, b, c), wide = quintic, m.shape[1] <= m.shape[2]
    x, greatest = m if wide else m.swapaxes(1, 2), mx.abs(m).max((1, 2), keepdims=True)
    x = x / mx.where(greatest == 0, 1, greatest)
    size = (x * x).sum((1, 2), keepdims=True)
    x = x / mx.where(size == 0, 1, size).sqrt()
    for _ in range(steps):
        gram = x @ x.swapaxes(1, 2)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x if wide else x.swapaxes(1, 2)
