"""E1, the regular simplex. Defined by `personas.euclid.moe`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_impl.dispatch import blocks
from mlx_impl.euclid.norm import chord, unit
from mlx_impl.gated import mixed
from personas.euclid.simplex import lengths


class SimplexExperts(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, n_expert: int, k: int, tau: float):
        super().__init__()
        self.n_expert, self.k, self.tau = n_expert, k, tau
        self.up = nn.Linear(n_embd, n_expert * 2 * hidden, bias=False)
        self.down = nn.Linear(n_expert * hidden, n_embd, bias=False)
        self._kinds = mx.arange(n_expert)

    def vertices(self) -> mx.array:
        """(n_expert, n_embd), in the precision of the experts."""
        (apex, side, rest), like = lengths(self.n_expert), self.up.weight
        axes = mx.eye(self.n_expert - 1, like.shape[1], dtype=like.dtype)
        ones = axes.sum(0, keepdims=True)
        return mx.concatenate([-apex * ones, side * axes + rest * ones])

    def cosines(self, x: mx.array, vertices: mx.array) -> mx.array:
        """x (..., n_embd), vertices (n_expert, n_embd) -> (..., n_expert)."""
        return unit(x) @ vertices.T

    def nearest(self, cosines: mx.array) -> mx.array:
        """(..., n_expert) -> the k nearest, (..., k), the nearest first."""
        # Sorting need not keep the order of equals, so vertices are counted: which are nearer, or as near and before.
        one, other = mx.stop_gradient(cosines)[..., None], mx.stop_gradient(cosines)[..., None, :]
        before = self._kinds < self._kinds[:, None]
        rank = ((other > one) | ((other == one) & before)).sum(-1)
        return mx.argsort(rank, axis=-1)[..., : self.k]

    def weights(self, cosines: mx.array, own: mx.array) -> mx.array:
        """(..., n_expert), own (..., k) -> (..., k), which sum to 1."""
        return mx.softmax(mx.take_along_axis(cosines, own, axis=-1) / self.tau, axis=-1)

    def route(self, x: mx.array, vertices: mx.array) -> mx.array:
        """x (..., n_embd), vertices (n_expert, n_embd) -> the weight of every expert, (..., n_expert)."""
        cosines = self.cosines(x, vertices)
        own = self.nearest(cosines)
        return (self.weights(cosines, own)[..., None] * (own[..., None] == self._kinds)).sum(-2)

    def dense(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same shape, by all experts."""
        return self.down(mixed(self.up(x), self.route(x, self.vertices()), chord))

    def __call__(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same shape, by the k nearest experts of each token."""
        flat = x.reshape(-1, x.shape[-1])
        cosines = self.cosines(flat, self.vertices())
        own = self.nearest(cosines)
        # Half as wide as an even share, so that half-full blocks cost little; few pairs get a block each.
        width = max(1, own.size // (2 * self.n_expert))
        row, pair, kind, _ = blocks(own.flatten(), self._kinds, width)
        weight = self.weights(cosines, own).flatten()[pair]
        # A product with ones and zeros picks the experts: so backward it is one too, no scattered sum.
        pick = (kind[:, None] == self._kinds).astype(flat.dtype)
        up = (pick @ self.up.weight.reshape(self.n_expert, -1)).reshape(len(kind), -1, flat.shape[1])
        down = (pick @ self.down.weight.T.reshape(self.n_expert, -1)).reshape(len(kind), -1, flat.shape[1])
        y = mixed(flat[pair // self.k] @ up.swapaxes(1, 2), weight[..., None], chord) @ down
        return y.flatten(0, 1)[row].reshape(-1, self.k, flat.shape[1]).sum(1).reshape(x.shape)

    def load(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> how many tokens each expert gets, (n_expert,)."""
        own = self.nearest(self.cosines(x, self.vertices()))
        return (own.flatten()[:, None] == self._kinds).sum(0)
