"""The theorems of the definitions, held by definition and wings: two sides, equal up to rounding.

A case says that three texts agree; a theorem says that what they agree on is right. Each is computed by the definition
(float64), by PyTorch and by MLX (float64, MLX in exact mode, and float32), from inputs drawn anew for every seed. Where
the sides are equal in exact arithmetic only, k roundings of mean zero in a row leave

    |left - right| <= MARGIN sqrt(k) u max |right|

(errors add up like a random walk; Higham & Mary 2019; MARGIN as in `parity.rounding`). Where they are the same
operations on the same numbers, as in causality, the bound is 0: bit for bit, since a future that shines through by one
unit in the last place is a future that shines through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np

from corpus.chance import stream
from parity.exact import exact
from parity.legs import Leg, plain
from parity.rooms import LEGS, evaluator
from parity.rounding import MARGIN, UNIT
from parity.verdict import Verdict, compare
from personas.case import Theorem


def check(theorem: Theorem, seed: int = 0, legs: tuple[Leg, ...] = LEGS) -> Iterator[Verdict]:
    """One verdict for the definition, one for each leg of `parity.legs.plain`, all on the inputs that `seed` draws."""
    for wing, dtype in (("definition", "float64"), *((leg.wing, leg.dtype) for leg in plain(legs))):
        generator = stream(seed, f"theorem/{theorem.name}")
        with exact() if (wing, dtype) == ("mlx", "float64") else nullcontext():
            left, right = theorem.sides(evaluator(wing, dtype), generator)
        yield compare(theorem.name, f"{wing} {dtype}", theorem.statement, left, right, *bound(theorem, right, dtype))


def bound(theorem: Theorem, right: np.ndarray, dtype: str) -> tuple[float, str]:
    """How far the sides may part, absolute, and how that came about, in words."""
    if theorem.exact:
        return 0.0, "the same operations on the same numbers"
    scale, unit = float(np.abs(right).max(initial=0.0)), UNIT[dtype]
    words = f"{MARGIN:g} x sqrt({theorem.length} roundings) x u = {unit:.2g} x {scale:.3g}"
    return MARGIN * math.sqrt(theorem.length) * unit * scale, words
