"""Precisions: their unit roundoffs, numbers rounded to them, and what a bound allows in them. Needs no framework."""

from __future__ import annotations

import numpy as np

MARGIN = 8.0  # derived in `parity.bounds.rounding`
UNIT = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}


def allowance(deviation: float, dtype: str) -> tuple[float, str]:
    """(bound, its derivation in words) for a tensor of this deviation, in a precision of UNIT."""
    words = f"{MARGIN:g} x the deviation under random rounding at u = {UNIT[dtype]:.2g}"
    return MARGIN * deviation * UNIT[dtype] / UNIT["float32"], words


def rounded(x: np.ndarray, dtype: str) -> np.ndarray:
    """Floating numbers that float32 represents, rounded to a precision of UNIT, ties to even; float64."""
    if dtype != "bfloat16":
        with np.errstate(over="ignore"):
            return x.astype(dtype).astype(np.float64)
    # bfloat16 is the upper half of float32: half of its last unit is added, and the lower half cut off.
    bits = np.asarray(x, np.float32).view(np.uint32)
    nearest = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32)
    return np.where(np.isnan(x), np.nan, nearest.view(np.float32)).astype(np.float64)
