"""E11, the border of a matrix. Reference: `lyceum.personas.euclid.grow.border`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.euclid.grow import border as reference
from torch_ref.registry import implements


@implements(reference.Border)
class Border(nn.Module):
    """The old array and one of the new shape -> the latter with the former in it."""

    def __init__(self, old: tuple, new: tuple, writes: tuple[int, int] | None):
        super().__init__()
        spec = reference.Border(old, new, writes)
        self.sources, self.written = spec.sources(), spec.written()

    def forward(self, old: Tensor, drawn: Tensor) -> Tensor:
        axis, entries = self.written
        inside = torch.ones((), dtype=torch.bool, device=old.device)
        for i, source in enumerate(self.sources):
            source = torch.from_numpy(source).to(old.device)
            old = old.index_select(i, source.clamp(min=0))
            shape = [-1 if j == i else 1 for j in range(drawn.ndim)]
            inside = inside & (source >= 0).view(shape)
            if i == axis:
                writes = torch.zeros_like(source, dtype=torch.bool)
                writes[entries] = True
                drawn = drawn.masked_fill(writes.view(shape), 0)
        return torch.where(inside, old, drawn)
