"""How a persona codes weights in few bits, as a record; its system "quantize" has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Quantizer:
    """What `lyceum.quantization` needs to know; weights are coded in blocks.

    block: weights in one. bits: of a weight in a large tensor. most_bits: of one in another tensor. extra_bits: of a
    block, besides.
    fit: (blocks (n, block) float32 in [-1, 1], bits, random numbers) -> a reference with
         encode({}, blocks) -> codes (n, columns) int32 and decode({}, codes) -> blocks, in either backend too;
         tables() -> arrays;  pack(codes) -> uint8;  unpack(uint8, n) -> codes.
    restored: (its tables, bits) -> the same reference.
    """

    block: int
    bits: int
    most_bits: int
    extra_bits: int
    fit: Callable[[np.ndarray, int, np.random.Generator], Any]
    restored: Callable[[dict[str, np.ndarray], int], Any]
