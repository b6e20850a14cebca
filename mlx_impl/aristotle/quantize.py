"""A4, genus and species: blocks of 8 weights as codes. Reference: `lyceum.personas.aristotle.quantize`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.aristotle import quantize as reference
from mlx_impl.registry import implements


def total(x: mx.array) -> mx.array:
    """The sum over the last axis of 8, added in pairs."""
    x = x[..., :4] + x[..., 4:]
    x = x[..., :2] + x[..., 2:]
    return x[..., 0] + x[..., 1]


@implements(reference.Genera)
class Genera(nn.Module):
    """Blocks -> codes, and codes -> blocks; nothing to train."""

    def __init__(self, centres, radii, bits: int):
        super().__init__()
        self.bits, self.half, self.middle = bits, 2**bits // 2, 0.5 if bits else 0.0
        # A leading underscore keeps an array out of the parameters.
        self._centres, self._radii = mx.array(centres), mx.array(radii)

    def encode(self, w: mx.array) -> mx.array:
        """w (n, 8) -> codes (n, 9) int32: the genus, then the species of each coordinate."""
        away, h = w[:, None] - self._centres, (self._radii * 2.0 ** (1 - self.bits))[:, None]
        cell = mx.clip(mx.floor(away / h), -self.half, 2**self.bits - 1 - self.half)
        error = w[:, None] - (self._centres + (cell + self.middle) * h)
        distance = mx.where(mx.abs(away).max(-1) > self._radii, float("inf"), total(error * error))
        # The first of the nearest, explicitly: which one argmin returns depends on the device.
        index = mx.arange(len(self._radii))
        nearest = distance == distance.min(-1, keepdims=True)
        genus = mx.where(nearest, index, len(self._radii)).min(-1, keepdims=True)
        species = mx.take_along_axis(cell, genus[:, :, None], axis=1)[:, 0].astype(mx.int32) + self.half
        return mx.concatenate([genus.astype(mx.int32), species], axis=1)

    def decode(self, codes: mx.array) -> mx.array:
        """codes (n, 9) -> (n, 8)."""
        genus = codes[:, 0]
        h = (self._radii * 2.0 ** (1 - self.bits))[genus][:, None]
        return self._centres[genus] + (codes[:, 1:].astype(h.dtype) - self.half + self.middle) * h
