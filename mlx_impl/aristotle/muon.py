"""A7, premises and conclusion: the rule of Muon with a cautious mask. Defined by `lyceum.personas.aristotle.muon`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import muon as reference
from mlx_impl.common.newton_schulz import newton_schulz
from mlx_impl.registry import implements

ADAMS = 0.2


@implements(reference.Muon)
class Muon(nn.Module):
    """(W, M, G) -> (W, M) after one update, for a stack of n matrices (n, r, c) at once."""

    def __init__(self, rate: float, momentum: float, weight_decay: float):
        super().__init__()
        self.rate, self.momentum, self.weight_decay = rate, momentum, weight_decay

    def fresh(self, w: mx.array) -> dict[str, mx.array]:
        """What is kept of a matrix (r, c) beside itself, before its first update."""
        return {"m": mx.zeros_like(w)}

    def __call__(self, w: mx.array, m: mx.array, g: mx.array, lr: mx.array) -> tuple[mx.array, mx.array]:
        """w, m, g (n, r, c), lr a number -> (W, M)."""
        m = self.momentum * m + (1 - self.momentum) * g
        step = ADAMS * max(w.shape[1:]) ** 0.5 * self.conclude(self.orthogonal(m), g)
        return w * (1 - self.rate * lr * self.weight_decay) - self.rate * lr * step, m

    def orthogonal(self, m: mx.array) -> mx.array:
        """m (n, r, c) -> the same shape."""
        return newton_schulz(m)

    def conclude(self, u: mx.array, g: mx.array) -> mx.array:
        """u, g (n, r, c) -> the same shape: signs are compared, since products of small numbers underflow."""
        kept = u * (mx.sign(u) * mx.sign(g) > 0)
        size = (kept * kept).sum((1, 2), keepdims=True)
        growth = (u * u).sum((1, 2), keepdims=True) / mx.where(size == 0, 1, size)
        return kept * mx.where(size == 0, 1, growth).sqrt()
