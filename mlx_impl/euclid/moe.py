"""E1, the regular simplex. Reference: `lyceum.personas.euclid.moe`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import moe as reference
from lyceum.personas.euclid.moe.simplex import lengths
from mlx_impl.common.dispatch import blocks
from mlx_impl.common.gated import mixed
from mlx_impl.euclid.norm import chord, unit
from mlx_impl.registry import implements


@implements(reference.SimplexExperts)
class SimplexExperts(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, n_expert: int, k: int, tau: float, rate: float, tiny: float):
        super().__init__()
        self.n_expert, self.k, self.tau, self.rate, self.tiny = n_expert, k, tau, rate, tiny
        self.up = nn.Linear(n_embd, n_expert * 2 * hidden, bias=False)
        self.down = nn.Linear(n_expert * hidden, n_embd, bias=False)
        self.beta = mx.zeros((n_expert,))
        self.freeze(keys=["beta"], recurse=False)
        self._experts = mx.arange(n_expert)
        self._latest = mx.zeros((n_expert,), mx.int32)

    def vertices(self) -> mx.array:
        """(n_expert, n_embd), in the precision of the experts."""
        (apex, side, rest), like = lengths(self.n_expert), self.up.weight
        axes = mx.eye(self.n_expert - 1, like.shape[1], dtype=like.dtype)
        ones = axes.sum(0, keepdims=True)
        return mx.concatenate([-apex * ones, side * axes + rest * ones])

    def cosines(self, x: mx.array, vertices: mx.array) -> mx.array:
        """x (..., n_embd), vertices (n_expert, n_embd) -> (..., n_expert)."""
        return unit(x, self.tiny) @ vertices.T

    def chosen(self, cosines: mx.array) -> mx.array:
        """(..., n_expert) -> the k experts of least power, (..., k), the least first."""
        # |unit(x) - v|^2 - beta is least where this is greatest.
        depth = mx.stop_gradient(cosines + self.beta / 2)
        # The sort may not be stable, so ranks are counted: the vertices that are deeper, or as deep and of lower index.
        one, other = depth[..., None], depth[..., None, :]
        before = self._experts < self._experts[:, None]
        rank = ((other > one) | ((other == one) & before)).sum(-1)
        return mx.argsort(rank, axis=-1)[..., : self.k]

    def weights(self, cosines: mx.array, choice: mx.array) -> mx.array:
        """cosines (..., n_expert), choice (..., k) -> (..., k), sum 1."""
        return mx.softmax(mx.take_along_axis(cosines, choice, axis=-1) / self.tau, axis=-1)

    def route(self, x: mx.array, vertices: mx.array) -> mx.array:
        """x (..., n_embd), vertices (n_expert, n_embd) -> the weight of every expert, (..., n_expert)."""
        cosines = self.cosines(x, vertices)
        choice = self.chosen(cosines)
        return (self.weights(cosines, choice)[..., None] * (choice[..., None] == self._experts)).sum(-2)

    def dense(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same shape, computed with all experts."""
        return self.down(mixed(self.up(x), self.route(x, self.vertices()), chord))

    def __call__(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same shape, by the k experts of least power."""
        flat = x.reshape(-1, x.shape[-1])
        cosines = self.cosines(flat, self.vertices())
        choice = self.chosen(cosines)
        # Half an even share, so that partly filled blocks cost little; a few pairs get one block each.
        width = max(1, choice.size // (2 * self.n_expert))
        row, pair, expert, self._latest = blocks(choice.flatten(), self._experts, width)
        weight = self.weights(cosines, choice).flatten()[pair]
        # A product with ones and zeros picks the experts, so its backward pass is a product too, no scattered sum.
        pick = (expert[:, None] == self._experts).astype(flat.dtype)
        up = (pick @ self.up.weight.reshape(self.n_expert, -1)).reshape(len(expert), -1, flat.shape[1])
        down = (pick @ self.down.weight.T.reshape(self.n_expert, -1)).reshape(len(expert), -1, flat.shape[1])
        y = mixed(flat[pair // self.k] @ up.swapaxes(1, 2), weight[..., None], chord) @ down
        return y.flatten(0, 1)[row].reshape(-1, self.k, flat.shape[1]).sum(1).reshape(x.shape)

    def load(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> how many tokens each expert gets, (n_expert,)."""
        choice = self.chosen(self.cosines(x, self.vertices()))
        return (choice.flatten()[:, None] == self._experts).sum(0)

    def rebalanced(self, load: mx.array) -> mx.array:
        """load (..., n_expert) of a training step -> beta after it, (..., n_expert)."""
        beta = self.beta + self.rate * mx.sign(load.sum(-1, keepdims=True) - self.n_expert * load).astype(
            self.beta.dtype
        )
        return beta - beta.min(-1, keepdims=True)

    def update_router_bias(self) -> None:
        """After a training step: beta follows the load of its forward pass."""
        self.beta = self.rebalanced(self._latest)
