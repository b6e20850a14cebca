"""A1, the tree of Porphyry: experts routed by a binary tree. Reference: `lyceum.personas.aristotle.moe`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import moe as reference
from lyceum.personas.aristotle.moe.tree import paths, sides, ways
from torch_ref.aristotle.norm import mesotes
from torch_ref.common.dispatch import blocks
from torch_ref.common.gated import mixed
from torch_ref.registry import implements


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
        self.beta = nn.Parameter(torch.zeros(self.inner), requires_grad=False)
        side = torch.from_numpy(sides(depth))
        self.register_buffer("way", torch.from_numpy(ways(depth)), persistent=False)
        self.register_buffer("side", side, persistent=False)
        self.register_buffer("lacks", (side < 0).sum(0), persistent=False)
        self.register_buffer("species", torch.arange(self.inner + 1), persistent=False)
        self.register_buffer("path", torch.from_numpy(paths(depth)), persistent=False)
        self.register_buffer("latest", torch.zeros(self.inner + 1, dtype=torch.int64), persistent=False)

    def log_reach(self, z: Tensor) -> Tensor:
        """Logits of the answers (..., inner) -> (..., nodes): products, as sums of logarithms in one matrix product."""
        return F.logsigmoid(torch.cat([z, -z], dim=-1)) @ self.way

    def chosen(self, z: Tensor) -> Tensor:
        """Logits of the answers (..., inner) -> (...), the species whose path has these answers."""
        has = (z.sigmoid() + self.beta >= 0.5).to(z.dtype)
        return (has @ self.side.to(z.dtype) + self.lacks).argmax(-1)

    def reach(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> (..., nodes)."""
        return self.log_reach(self.router(x)).exp()

    def gated(self, a_and_b: Tensor, weight: Tensor) -> Tensor:
        """(..., m * 2 * hidden) of m experts, weight (..., m) -> their weighted hidden layers, (..., m * hidden)."""
        return mixed(a_and_b, weight, lambda u: mesotes(u, self.power))

    def dense(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same shape, by all nodes."""
        return self.down(self.gated(self.up(x), self.reach(x)))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same shape, by the nodes of one path a token."""
        flat = x.reshape(-1, x.shape[-1])
        z = self.router(flat)
        choice = self.chosen(z)
        # Half an even share, so that partly filled blocks cost little; a few tokens get one block each.
        width = max(1, len(choice) // (2 * len(self.species)))
        row, token, species, self.latest = blocks(choice, self.species, width)
        weight = F.embedding(token, self.log_reach(z).gather(1, self.path[choice]).exp())
        experts = self.path[species]
        up = F.embedding(experts, self.up.weight.view(self.nodes, -1)).view(len(species), -1, flat.shape[1])
        down = F.embedding(experts, self.down.weight.T.reshape(self.nodes, -1)).view(len(species), -1, flat.shape[1])
        y = self.gated((up @ F.embedding(token, flat).mT).mT, weight) @ down
        return y.flatten(0, 1).index_select(0, row).view(x.shape)

    def load(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> how many tokens each species gets, (species,)."""
        return (self.chosen(self.router(x)).flatten()[:, None] == self.species).sum(0)

    def rebalanced(self, load: Tensor) -> Tensor:
        """load (species,) of a training step -> beta after it, (inner,)."""
        return self.beta - self.rate * (self.side * load).sum(-1).sign().to(self.beta.dtype)

    @torch.no_grad()
    def update_router_bias(self) -> None:
        """After a training step: beta follows the load of its forward pass."""
        self.beta.copy_(self.rebalanced(self.latest))
