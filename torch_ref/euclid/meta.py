"""E13, distance: learning rates by the distance travelled. Reference: `lyceum.personas.euclid.meta`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.euclid import meta as reference
from torch_ref.registry import implements


@implements(reference.Distance)
class Distance(nn.Module):
    """The state of a group of parameters, its rate first, for the update that is due."""

    habit, absolute = 1.0, True

    def __init__(self, first: float, memory: float):
        super().__init__()
        self.first, self.memory = first, memory

    def fresh(self, like: Tensor) -> dict[str, Tensor]:
        """The state before the first update: the rate, r, G, V and n. like: the entries w_0, (n,)."""
        length = like.square().sum().sqrt()
        first = self.first * torch.where(length > 0, length, 1)
        rate, total, mean, count = like.new_tensor([0, 0, 0, like.numel()])
        return {"rate": rate, "distance": first, "total": total, "mean": mean, "count": count}

    def begin(self, w: Tensor) -> tuple[Tensor, ...]:
        """w_0 (n,) -> the state as `fresh` has it, all ()."""
        return tuple(self.fresh(w).values())

    def forward(
        self,
        rate: Tensor,
        distance: Tensor,
        total: Tensor,
        mean: Tensor,
        count: Tensor,
        gd: Tensor,
        dd: Tensor,
        gg: Tensor,
        share: Tensor | float,
    ) -> tuple[Tensor, ...]:
        """All (): the state, <g, d>, <d, d>, <g, g>, and the schedule's share of its peak -> the state."""
        distance = torch.maximum(distance, dd.sqrt())
        mean = torch.where(total > 0, mean + (1 - self.memory) * (gg - mean), gg)
        total = total + share * share * gg
        ratio = torch.where(total > 0, mean, 0) / torch.where(total > 0, total * count, 1)
        return distance * ratio.sqrt(), distance, total, mean, count
