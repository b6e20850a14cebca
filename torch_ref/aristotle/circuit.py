"""A23, Barbara: two layers of attention alone. Reference: `lyceum.personas.aristotle.circuit`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import circuit as reference
from torch_ref.baseline.attention import Attention, seen
from torch_ref.registry import build, implements


@implements(reference.Barbara)
class Barbara(nn.Module):
    """ids (B, T) and a rotation -> log p of the next letter, (B, T, hours^2)."""

    def __init__(self, **fields: float):
        super().__init__()
        spec = reference.Barbara(**fields)
        shape = spec.hours**2, spec.layer.n_embd
        self.letters, self.answers = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))
        self.first, self.second = build(spec.layer), build(spec.layer)

    def states(self, ids: Tensor, *rotation: Tensor) -> tuple[Tensor, ...]:
        """The stream before the layers, between them and after, (B, T, d)."""
        x = F.embedding(ids, self.letters)
        between = x + self.first(x, *rotation)
        return x, between, between + self.second(between, *rotation)

    def forward(self, ids: Tensor, *rotation: Tensor) -> Tensor:
        """log p of the next letter, nats."""
        return F.log_softmax(F.linear(self.states(ids, *rotation)[-1], self.answers), dim=-1)

    def patterns(self, ids: Tensor, *rotation: Tensor) -> tuple[Tensor, ...]:
        """Where all heads of the first layer and of the second attend, (B, H, T, T) each."""
        x, between, _ = self.states(ids, *rotation)
        return self.attends(self.first, x, rotation), self.attends(self.second, between, rotation)

    def attends(self, layer: Attention, x: Tensor, rotation: tuple) -> Tensor:
        """Where each head of a layer attends, (B, H, T, T), which the fused kernel does not form."""
        q, k, _ = layer.parts(x, *rotation)
        scores = q @ k.mT * q.shape[-1] ** -0.5
        return scores.masked_fill(~seen(q, k), -torch.inf).softmax(dim=-1)
