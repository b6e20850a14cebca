"""Random numbers for everything that is random, from one family of streams: initial values, batches, dropout masks.

A draw is addressed, not consumed: `stream(seed, purpose, step)` is a fresh generator whose numbers depend on the three
arguments alone. So both backends see the same variates, a resumed run is the same run, and a new purpose changes no
other.

Philox is a counter-based generator: block c of a key is E_key(c), a fixed bijection of 256-bit counters. The key is
the first 128 bits of SHA-256(seed, purpose), hence distinct purposes have unrelated keys; the counter starts at
step * 2^64, hence two steps of one purpose never overlap while each draws fewer than 2^64 blocks.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """The generator at address (seed, purpose, step).

    seed: any integer. purpose: a name such as "train-batch". step: an integer >= 0.
    Raises ValueError for a negative step.
    """
    if step < 0:
        raise ValueError(f"a stream's step must be >= 0, got {step}")
    key = int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key, counter=step << 64))


def keep_mask(generator: np.random.Generator, shape: tuple[int, ...], rate: float) -> np.ndarray:
    """An inverted-dropout mask: float32, 0 with probability `rate`, else 1 / (1 - rate).

    Each element costs one random byte, so the rate is rounded to the next 1/256; the scale uses the rounded rate,
    which keeps the mean at exactly 1. Raises ValueError for a rate outside [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"a dropout rate must lie in [0, 1), got {rate}")
    threshold = round(256 * rate)
    bytes_ = np.frombuffer(generator.bytes(int(np.prod(shape))), dtype=np.uint8).reshape(shape)
    return (bytes_ >= threshold) * np.float32(256 / (256 - threshold))
