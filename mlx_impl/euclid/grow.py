"""E11, the border of a matrix. Reference: `lyceum.personas.euclid.grow.border`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid.grow import border as reference
from mlx_impl.registry import implements


@implements(reference.Border)
class Border(nn.Module):
    """The old array and one of the new shape -> the latter with the former in it."""

    def __init__(self, old: tuple, new: tuple, writes: tuple[int, int] | None):
        super().__init__()
        spec = reference.Border(old, new, writes)
        self.sources, self.written = spec.sources(), spec.written()

    def __call__(self, old: mx.array, drawn: mx.array) -> mx.array:
        axis, entries = self.written
        inside = mx.array(True)
        for i, source in enumerate(map(mx.array, self.sources)):
            old = mx.take(old, mx.maximum(source, 0), i)
            shape = [-1 if j == i else 1 for j in range(drawn.ndim)]
            inside = inside & (source >= 0).reshape(shape)
            if i == axis:
                writes = mx.zeros(source.shape, mx.bool_)
                writes[entries] = True
                drawn = mx.where(writes.reshape(shape), 0, drawn)
        return mx.where(inside, old, drawn)
