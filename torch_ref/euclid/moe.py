"""E1, the regular simplex. Reference: `lyceum.personas.euclid.moe`."""

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

    def __init__(self, n_embd: int, hidden: int, n_expert: int, k: int, tau: float, rate: float, tiny: float):
        super().__init__()
        self.n_expert, self.k, self.tau, self.rate, self.tiny = n_expert, k, tau, rate, tiny
        self.up = nn.Linear(n_embd, n_expert * 2 * hidden, bias=False)
        self.down = nn.Linear(n_expert * hidden, n_embd, bias=False)
        self.beta = nn.Parameter(torch.zeros(n_expert), requires_grad=False)
        self.register_buffer("experts", torch.arange(n_expert), persistent=False)
        self.register_buffer("latest", torch.zeros(n_expert, dtype=torch.int64), persistent=False)

    def vertices(self) -> Tensor:
        """(n_expert, n_embd), in the precision of the experts."""
        (apex, side, rest), like = lengths(self.n_expert), self.up.weight
        axes = torch.eye(self.n_expert - 1, like.shape[1], dtype=like.dtype, device=like.device)
        ones = axes.sum(0, keepdim=True)
        return torch.cat([-apex * ones, side * axes + rest * ones])

    def cosines(self, x: Tensor, vertices: Tensor) -> Tensor:
        """x (..., n_embd), vertices (n_expert, n_embd) -> (..., n_expert)."""
        return unit(x, self.tiny) @ vertices.T

    def chosen(self, cosines: Tensor) -> Tensor:
        """(..., n_expert) -> the k experts of least power, (..., k), the least first."""
        # |unit(x) - v|^2 - beta is least where this is greatest.
        depth = cosines + self.beta / 2
        # The sort may not be stable, so ranks are counted: the vertices that are deeper, or as deep and of lower index.
        one, other = depth[..., None], depth[..., None, :]
        before = self.experts < self.experts[:, None]
        rank = ((other > one) | ((other == one) & before)).sum(-1)
        return rank.argsort(-1)[..., : self.k]

    def weights(self, cosines: Tensor, choice: Tensor) -> Tensor:
        """cosines (..., n_expert), choice (..., k) -> (..., k), sum 1."""
        return (cosines.gather(-1, choice) / self.tau).softmax(-1)

    def route(self, x: Tensor, vertices: Tensor) -> Tensor:
        """x (..., n_embd), vertices (n_expert, n_embd) -> the weight of every expert, (..., n_expert)."""
        cosines = self.cosines(x, vertices)
        choice = self.chosen(cosines)
        return (self.weights(cosines, choice)[..., None] * (choice[..., None] == self.experts)).sum(-2)

    def dense(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same shape, computed with all experts."""
        return self.down(mixed(self.up(x), self.route(x, self.vertices()), chord))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same shape, by the k experts of least power."""
        flat = x.reshape(-1, x.shape[-1])
        cosines = self.cosines(flat, self.vertices())
        choice = self.chosen(cosines)
        # Half an even share, so that partly filled blocks cost little; a few pairs get one block each.
        width = max(1, choice.numel() // (2 * self.n_expert))
        row, pair, expert, self.latest = blocks(choice.flatten(), self.experts, width)
        weight = F.embedding(pair, self.weights(cosines, choice).view(-1, 1))
        up = F.embedding(expert, self.up.weight.view(self.n_expert, -1)).view(len(expert), -1, flat.shape[1])
        down = F.embedding(expert, self.down.weight.T.reshape(self.n_expert, -1)).view(len(expert), -1, flat.shape[1])
        y = mixed((up @ F.embedding(pair // self.k, flat).mT).mT, weight, chord) @ down
        return y.flatten(0, 1).index_select(0, row).view(-1, self.k, flat.shape[1]).sum(1).view(x.shape)

    def load(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> how many tokens each expert gets, (n_expert,)."""
        choice = self.chosen(self.cosines(x, self.vertices()))
        return (choice.flatten()[:, None] == self.experts).sum(0)

    def rebalanced(self, load: Tensor) -> Tensor:
        """load (..., n_expert) of a training step -> beta after it, (..., n_expert)."""
        beta = self.beta + self.rate * (load.sum(-1, keepdim=True) - self.n_expert * load).sign().to(self.beta.dtype)
        return beta - beta.amin(-1, keepdim=True)

    @torch.no_grad()
    def update_router_bias(self) -> None:
        """After a training step: beta follows the load of its forward pass."""
        self.beta.copy_(self.rebalanced(self.latest))
