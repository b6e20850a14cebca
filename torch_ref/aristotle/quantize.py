"""A4, genus and species: blocks of 8 weights as codes. Reference: `lyceum.personas.aristotle.quantize`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.aristotle import quantize as reference
from torch_ref.registry import implements


def total(x: Tensor) -> Tensor:
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
        self.register_buffer("centres", torch.from_numpy(centres), persistent=False)
        self.register_buffer("radii", torch.from_numpy(radii), persistent=False)

    def encode(self, w: Tensor) -> Tensor:
        """w (n, 8) -> codes (n, 9) int32: the genus, then the species of each coordinate."""
        away, h = w[:, None] - self.centres, (self.radii * 2.0 ** (1 - self.bits))[:, None]
        cell = (away / h).floor().clamp(-self.half, 2**self.bits - 1 - self.half)
        error = w[:, None] - (self.centres + (cell + self.middle) * h)
        distance = total(error * error).masked_fill(away.abs().amax(-1) > self.radii, float("inf"))
        # The first of the nearest, explicitly: which one argmin returns depends on the device.
        index = torch.arange(len(self.radii), device=w.device)
        nearest = distance == distance.amin(-1, keepdim=True)
        genus = torch.where(nearest, index, len(self.radii)).amin(-1, keepdim=True)
        species = cell.take_along_dim(genus[:, :, None], dim=1)[:, 0].int() + self.half
        return torch.cat([genus.int(), species], dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """codes (n, 9) -> (n, 8)."""
        genus = codes[:, 0].long()
        h = (self.radii * 2.0 ** (1 - self.bits))[genus, None]
        return self.centres[genus] + (codes[:, 1:].to(h.dtype) - self.half + self.middle) * h
