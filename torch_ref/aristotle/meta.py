"""A13, prudence: a factor on the learning rate by its hypergradient. Reference: `lyceum.personas.aristotle.meta`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.aristotle import meta as reference
from torch_ref.registry import implements


@implements(reference.Prudence)
class Prudence(nn.Module):
    """The state of a group of parameters, its factor h first, for the update that is due."""

    absolute = False

    def __init__(self, habit: float, pace: float, widest: float):
        super().__init__()
        self.habit, self.pace, self.widest = habit, pace, widest

    def fresh(self, like: Tensor) -> dict[str, Tensor]:
        """The state before the first update, of the type of `like`."""
        return {"rate": like.new_ones(())}

    def forward(self, rate: Tensor, gd: Tensor, dd: Tensor, gg: Tensor, share: Tensor | float) -> tuple[Tensor]:
        """All (): h, <g, d>, <d, d>, <g, g>, and the schedule's rate as a share of its peak -> h."""
        size = dd.sqrt() * gg.sqrt()
        cosine = torch.where(size > 0, gd, 0) / torch.where(size > 0, size, 1)
        return ((rate * (1 - self.pace * share * cosine)).clamp(1 / self.widest, self.widest),)
