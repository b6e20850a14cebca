"""A1, the tree of Porphyry: experts routed by a binary tree. Reference: `lyceum.personas.aristotle.moe`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import moe as reference
from lyceum.personas.aristotle.moe.tree import paths, sides, ways
from mlx_impl.aristotle.norm import mesotes
from mlx_impl.common.dispatch import blocks
from mlx_impl.common.gated import mixed
from mlx_impl.registry import implements


@implements(reference.PorphyryTree)
class PorphyryTree(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, depth: int, hidden: int, power: float, rate: float):
        super().__init__()
        self.power, self.rate = power, rate
        self.inner = 2**depth - 1
        self.nodes = 2 * self.inner + 1
        self.router = nn.Linear(n_embd, self.inner)
        self.up = nn.Linear(n_embd, self.nodes * 2 * hidden, bias=False)
        self.down = nn.Linear(self.nodes * hidden, n_embd, bias=False)
        self.beta = mx.zeros((self.inner,))
        self.freeze(keys=["beta"], recurse=False)
        side = mx.array(sides(depth))
        self._way = mx.array(ways(depth))
        self._side = side
        self._lacks = (side < 0).sum(0)
        self._species = mx.arange(self.inner + 1)
        self._path = mx.array(paths(depth))
        self._picks = mx.eye(self.nodes)[self._path]
        self._latest = mx.zeros((self.inner + 1,), mx.int32)

    def log_reach(self, z: mx.array) -> mx.array:
        """Logits of the answers (..., inner) -> (..., nodes): products, as sums of logarithms in one matrix product."""
        return nn.log_sigmoid(mx.concatenate([z, -z], axis=-1)) @ self._way.astype(z.dtype)

    def chosen(self, z: mx.array) -> mx.array:
        """Logits of the answers (..., inner) -> (...), the species whose path has these answers."""
        # MLX differentiates comparisons, and raises an error where the result is an index.
        has = mx.stop_gradient(mx.sigmoid(z) + self.beta >= 0.5).astype(mx.float32)
        return (has @ self._side.astype(mx.float32) + self._lacks).argmax(-1)

    def reach(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> (..., nodes)."""
        return mx.exp(self.log_reach(self.router(x)))

    def gated(self, a_and_b: mx.array, weight: mx.array) -> mx.array:
        """(..., m * 2 * hidden) of m experts, weight (..., m) -> their weighted hidden layers, (..., m * hidden)."""
        return mixed(a_and_b, weight, lambda u: mesotes(u, self.power))

    def dense(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same shape, by all nodes."""
        return self.down(self.gated(self.up(x), self.reach(x)))

    def __call__(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> the same shape, by the nodes of one path a token."""
        flat = x.reshape(-1, x.shape[-1])
        z = self.router(flat)
        choice = self.chosen(z)
        # Half an even share, so that partly filled blocks cost little; a few tokens get one block each.
        width = max(1, len(choice) // (2 * len(self._species)))
        row, token, species, self._latest = blocks(choice, self._species, width)
        weight = mx.exp(mx.take_along_axis(self.log_reach(z), self._path[choice], axis=1))[token]
        # A product with ones and zeros picks the experts, so its backward pass is a product too, no scattered sum.
        pick = self._picks[species].flatten(0, 1).astype(flat.dtype)
        up = (pick @ self.up.weight.reshape(self.nodes, -1)).reshape(len(species), -1, flat.shape[1])
        down = (pick @ self.down.weight.T.reshape(self.nodes, -1)).reshape(len(species), -1, flat.shape[1])
        y = self.gated(flat[token] @ up.swapaxes(1, 2), weight) @ down
        return y.flatten(0, 1)[row].reshape(x.shape)

    def load(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> how many tokens each species gets, (species,)."""
        return (self.chosen(self.router(x)).flatten()[:, None] == self._species).sum(0)

    def rebalanced(self, load: mx.array) -> mx.array:
        """load (species,) of a training step -> beta after it, (inner,)."""
        return self.beta - self.rate * mx.sign((self._side * load).sum(-1)).astype(self.beta.dtype)

    def update_router_bias(self) -> None:
        """After a training step: beta follows the load of its forward pass."""
        self.beta = self.rebalanced(self._latest)
