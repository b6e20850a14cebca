"""Codes as bit planes: a plane is one bit of every block, so that a reader may stop after any plane.

The bit of block i is bit 7 - i % 8 of byte i // 8. A plane is addressed by (column of the codes, number of the bit).
"""

from __future__ import annotations

import numpy as np


def pack(codes: np.ndarray, planes: list[tuple[int, int]]) -> np.ndarray:
    """codes (n, columns) int32 -> uint8 (planes, ceil(n / 8)), bit by bit."""
    return np.stack([np.packbits(codes[:, column] >> bit & 1) for column, bit in planes])


def unpack(packed: np.ndarray, planes: list[tuple[int, int]], count: int) -> np.ndarray:
    """The codes (count, columns) of `pack`. Planes that are missing at the end count as 0."""
    codes = np.zeros((count, max(column for column, _ in planes) + 1), np.int32)
    for row, (column, bit) in zip(packed, planes, strict=True):
        codes[:, column] |= np.unpackbits(row, count=count).astype(np.int32) << bit
    return codes


class Planes:
    """What a quantizer inherits to pack its codes so. Its `planes` lists their bits, the most significant first."""

    def pack(self, codes: np.ndarray) -> np.ndarray:
        """codes (n, columns) -> uint8 (planes, ceil(n / 8))."""
        return pack(codes, self.planes())

    def unpack(self, packed: np.ndarray, count: int) -> np.ndarray:
        """The codes (count, columns) of `pack`."""
        return unpack(packed, self.planes(), count)
