"""E1, the regular simplex. Defined by `lyceum.personas.euclid.moe`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.euclid import moe as reference
from lyceum.personas.euclid.moe.simplex import lengths
from torch_ref.common.dispatch import blocks
from torch_ref.common.gated import mixed
from torch_ref.euclid.norm import chord, unit
from torch_ref.registry import implements


@implements(reference.SimplexExperts)
class SimplexExperts(nn.Module):
    """x (..., n_embd) -> the same shape."""

    def __init__(self, n_embd: int, hidden: int, n_expert: int, k: int, tau: float, rate: float):
        super().__init__()
        self.n_expert, self.k, self.tau, self.rate = n_expert, k, tau, rate
        self.up = nn.Linear(n_embd, n_expert * 2 * hidden, bias=False)
        self.down = nn.Linear(n_expert * hidden, n_embd, bias=False)
        self.beta = nn.Parameter(torch.zeros(n_expert), requires_grad=False)
        self.register_buffer("kinds", torch.arange(n_expert), persistent=False)
        self.register_buffer("latest", torch.zeros(n_expert, dtype=torch.int64), persistent=False)

    def vertices(self) -> Tensor:
        """(n_expert, n_embd), in the precision of the experts."""
        (apex, side, rest), like = lengths(self.n_expert), self.up.weight
        axes = torch.eye(self.n_expert - 1, like.shape[1], dtype=like.dtype, device=like.device)
        ones = axes.sum(0, keepdim=True)
        return torch.cat([-apex * ones, side * axes + rest * ones])

    def cosines(self, x: Tensor, vertices: Tensor) -> Tensor:
        """x (..., n_embd), vertices (n_expert, n_embd) -> (..., n_expert)."""
        return unit(x) @ vertices.T

    def chosen(self, cosines: Tensor) -> Tensor:
        """(..., n_expert) -> the k of least power, (..., k), the least first."""
        # |unit(x) - v|^2 - beta is least where this is greatest.
        depth = cosines + self.beta / 2
        # Sorting need not keep the order of equals, so we count: which vertices are deeper, or as deep and before.
        one, other = depth[..., None], depth[..., None, :]
        before = self.kinds < self.kinds[:, None]
        rank = ((other > one) | ((other == one) & before)).sum(-1)
        return rank.argsort(-1)[..., : self.k]

    def weights(self, cosines: Tensor, own: Tensor) -> Tensor:
        """(..., n_expert), own (..., k) -> (..., k), which sum to 1."""
        return (cosines.gather(-1, own) / self.tau).softmax(-1)

    def route(self, x: Tensor, vertices: Tensor) -> Tensor:
        """x (..., n_embd), vertices (n_expert, n_embd) -> the weight of every expert, (..., n_expert)."""
        cosines = self.cosines(x, vertices)
        own = self.chosen(cosines)
        return (self.weights(cosines, own)[..., None] * (own[..., None] == self.kinds)).sum(-2)

    def dense(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same shape, by all experts."""
        return self.down(mixed(self.up(x), self.route(x, self.vertices()), chord))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same shape, by the k experts of least power."""
        flat = x.reshape(-1, x.shape[-1])
        cosines = self.cosines(flat, self.vertices())
        own = self.chosen(cosines)
        # Half as wide as an even share, so that half-full blocks cost little; few pairs get a block each.
        width = max(1, own.numel() // (2 * self.n_expert))
        row, pair, kind, self.latest = blocks(own.flatten(), self.kinds, width)
        weight = F.embedding(pair, self.weights(cosines, own).view(-1, 1))
        up = F.embedding(kind, self.up.weight.view(self.n_expert, -1)).view(len(kind), -1, flat.shape[1])
        down = F.embedding(kind, self.down.weight.T.reshape(self.n_expert, -1)).view(len(kind), -1, flat.shape[1])
        y = mixed((up @ F.embedding(pair // self.k, flat).mT).mT, weight, chord) @ down
        return y.flatten(0, 1).index_select(0, row).view(-1, self.k, flat.shape[1]).sum(1).view(x.shape)

    def load(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> how many tokens each expert gets, (n_expert,)."""
        own = self.chosen(self.cosines(x, self.vertices()))
        return (own.flatten()[:, None] == self.kinds).sum(0)

    def rebalanced(self, load: Tensor) -> Tensor:
        """load (..., n_expert) of a training step -> beta after it, (..., n_expert)."""
        beta = self.beta + self.rate * (load.sum(-1, keepdim=True) - self.n_expert * load).sign().to(self.beta.dtype)
        return beta - beta.amin(-1, keepdim=True)

    @torch.no_grad()
    def update_router_bias(self) -> None:
        """After a training step: beta follows the load of its forward pass."""
        self.beta.copy_(self.rebalanced(self.latest))
