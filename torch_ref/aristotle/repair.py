"""A14, the form persists. Reference: `lyceum.personas.aristotle.repair`."""

from __future__ import annotations

import torch
from torch import Tensor

from lyceum.personas.aristotle import repair as reference
from torch_ref.common.repair import Repair
from torch_ref.registry import implements


@implements(reference.Form)
class Form(Repair):
    """Hurt rows return to the average, within its spectral ball."""

    def __init__(self, every: int, period: int, rate: float, power: int, steps: int):
        super().__init__(every, period, rate)
        self.power, self.steps = power, steps

    def radius(self, a: Tensor) -> Tensor:
        """a (n, r, c) -> its Schatten norm, (n,)."""
        gram = a @ a.mT if a.shape[1] <= a.shape[2] else a.mT @ a
        total = trace = gram.diagonal(dim1=1, dim2=2).sum(-1)
        for k in range(1, self.power + 1):
            gram = gram / torch.where(trace == 0, 1, trace)[:, None, None]
            gram = gram @ gram
            trace = gram.diagonal(dim1=1, dim2=2).sum(-1)
            total = total * trace**0.5**k
        return total.sqrt()

    def clip(self, w: Tensor) -> Tensor:
        """w (n, r, c) -> the nearest matrices with no singular value above 1."""
        if w.shape[1] > w.shape[2]:
            return self.clip(w.mT).mT
        s, q = self.sign(w @ w.mT - torch.eye(w.shape[1], dtype=w.dtype, device=w.device)), self.sign(w)
        return (w - s @ w + q + s @ q) / 2

    def sign(self, y: Tensor) -> Tensor:
        """U sign(s) V^T of matrices U diag(s) V^T, (n, r, c) with r <= c."""
        size = (y * y).sum((1, 2), keepdim=True)
        y = y / torch.where(size == 0, 1, size).sqrt()
        for _ in range(self.steps):
            y = 1.5 * y - 0.5 * (y @ y.mT) @ y
        return y

    def project(self, w: Tensor, a: Tensor) -> Tensor:
        """w, a (n, r, c) -> w within the ball about 0 that has a's radius."""
        radius = self.radius(a)[:, None, None]
        return radius * self.clip(w / torch.where(radius == 0, 1, radius))
