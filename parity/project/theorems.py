"""The theorems of the references, for the reference and both backends: two sides, equal up to rounding.

A case says that three texts agree; a theorem says that what they agree on is right. Each is computed by the reference
(float64), by PyTorch and by MLX (float64, MLX in exact mode, and float32), from inputs drawn anew for every seed. Where
the sides are equal in exact arithmetic only, k roundings of mean zero in a row leave

    |left - right| <= MARGIN sqrt(k) u max |right|

(errors add up like a random walk; Higham & Mary 2019; MARGIN as in `parity.bounds.rounding`). Where they are the same
operations on the same numbers, as in causality, the bound is 0: bit for bit, since a future that shows by one ulp is a
future that shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np

from lyceum.personas.spec.case import Theorem
from lyceum.rng import stream
from parity.bounds.rounding import MARGIN, UNIT
from parity.float64 import exact
from parity.project.layers import VARIANTS, evaluator
from parity.results.verdict import Verdict, compare
from parity.sides.variants import Variant, plain


def check(theorem: Theorem, seed: int = 0, variants: tuple[Variant, ...] = VARIANTS) -> Iterator[Verdict]:
    """One verdict for the reference and one for each plain variant, all on the inputs that `seed` draws."""
    computed_by = [("reference", "float64"), *((variant.backend, variant.dtype) for variant in plain(variants))]
    for backend, dtype in computed_by:
        generator = stream(seed, f"theorem/{theorem.name}")
        with exact() if (backend, dtype) == ("mlx", "float64") else nullcontext():
            left, right = theorem.sides(evaluator(backend, dtype), generator)
        yield compare(theorem.name, f"{backend} {dtype}", theorem.statement, left, right, *bound(theorem, right, dtype))


def bound(theorem: Theorem, right: np.ndarray, dtype: str) -> tuple[float, str]:
    """How far the sides may differ, absolute, and how that came about, in words."""
    if theorem.exact:
        return 0.0, "the same operations on the same numbers"
    scale, unit = float(np.abs(right).max(initial=0.0)), UNIT[dtype]
    words = f"{MARGIN:g} x sqrt({theorem.length} roundings) x u = {unit:.2g} x {scale:.3g}"
    return MARGIN * math.sqrt(theorem.length) * unit * scale, words
