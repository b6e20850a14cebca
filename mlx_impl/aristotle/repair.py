"""A14, the form persists. Reference: `lyceum.personas.aristotle.repair`."""

from __future__ import annotations

import mlx.core as mx

from lyceum.personas.aristotle import repair as reference
from mlx_impl.common.repair import Repair
from mlx_impl.registry import implements


@implements(reference.Form)
class Form(Repair):
    """Hurt rows return to the average, within its spectral ball."""

    def __init__(self, every: int, period: int, rate: float, power: int, steps: int):
        super().__init__(every, period, rate)
        self.power, self.steps = power, steps

    def radius(self, a: mx.array) -> mx.array:
        """a (n, r, c) -> its Schatten norm, (n,)."""
        gram = a @ a.swapaxes(1, 2) if a.shape[1] <= a.shape[2] else a.swapaxes(1, 2) @ a
        total = trace = mx.diagonal(gram, axis1=1, axis2=2).sum(-1)
        for k in range(1, self.power + 1):
            gram = gram / mx.where(trace == 0, 1, trace)[:, None, None]
            gram = gram @ gram
            trace = mx.diagonal(gram, axis1=1, axis2=2).sum(-1)
            total = total * trace**0.5**k
        return total.sqrt()

    def clip(self, w: mx.array) -> mx.array:
        """w (n, r, c) -> the nearest matrices with no singular value above 1."""
        if w.shape[1] > w.shape[2]:
            return self.clip(w.swapaxes(1, 2)).swapaxes(1, 2)
        s, q = self.sign(w @ w.swapaxes(1, 2) - mx.eye(w.shape[1], dtype=w.dtype)), self.sign(w)
        return (w - s @ w + q + s @ q) / 2

    def sign(self, y: mx.array) -> mx.array:
        """U sign(s) V^T of matrices U diag(s) V^T, (n, r, c) with r <= c."""
        size = (y * y).sum((1, 2), keepdims=True)
        y = y / mx.where(size == 0, 1, size).sqrt()
        for _ in range(self.steps):
            y = 1.5 * y - 0.5 * (y @ y.swapaxes(1, 2)) @ y
        return y

    def project(self, w: mx.array, a: mx.array) -> mx.array:
        """w, a (n, r, c) -> w within the ball about 0 that has a's radius."""
        radius = self.radius(a)[:, None, None]
        return radius * self.clip(w / mx.where(radius == 0, 1, radius))
