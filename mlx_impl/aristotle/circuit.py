"""A23, Barbara: two layers of attention alone. Reference: `lyceum.personas.aristotle.circuit`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import circuit as reference
from mlx_impl.baseline.attention import Attention, seen
from mlx_impl.registry import build, implements


@implements(reference.Barbara)
class Barbara(nn.Module):
    """ids (B, T) and a rotation -> log p of the next letter, (B, T, hours^2)."""

    def __init__(self, **fields: float):
        super().__init__()
        spec = reference.Barbara(**fields)
        shape = spec.hours**2, spec.layer.n_embd
        self.letters, self.answers = mx.zeros(shape), mx.zeros(shape)
        self.first, self.second = build(spec.layer), build(spec.layer)

    def states(self, ids: mx.array, *rotation: mx.array) -> tuple[mx.array, ...]:
        """The stream before the layers, between them and after, (B, T, d)."""
        x = self.letters[ids]
        between = x + self.first(x, *rotation)
        return x, between, between + self.second(between, *rotation)

    def __call__(self, ids: mx.array, *rotation: mx.array) -> mx.array:
        """log p of the next letter, nats."""
        return nn.log_softmax(self.states(ids, *rotation)[-1] @ self.answers.T, axis=-1)

    def patterns(self, ids: mx.array, *rotation: mx.array) -> tuple[mx.array, ...]:
        """Where all heads of the first layer and of the second attend, (B, H, T, T) each."""
        x, between, _ = self.states(ids, *rotation)
        return self.attends(self.first, x, rotation), self.attends(self.second, between, rotation)

    def attends(self, layer: Attention, x: mx.array, rotation: tuple) -> mx.array:
        """Where each head of a layer attends, (B, H, T, T), which the fused kernel does not form."""
        q, k, _ = layer.parts(x, *rotation)
        scores = q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5
        return mx.softmax(mx.where(seen(q, k), scores, -mx.inf), axis=-1)
