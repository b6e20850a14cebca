"""Is the oracle's gradient the derivative of its function? Compared with finite differences along one direction.

    <grad, v> = d/dh <f(theta + h v), c>  at h = 0

f is the reference, or where there is none PyTorch's float64 forward pass: a branch that is cut off from the
gradient by mistake shows in either.

A central difference of step h is off by c_2 h^2 + c_4 h^4 + ... and by the rounding of f over h. Ridders' table
(Advances in Engineering Software 4, 1982) removes term after term: D_0j is the difference at h / 2^j, and

    D_ij = (4^i D_(i-1)j - D_(i-1)(j-1)) / (4^i - 1).

How far an entry lies from the two that it is made of bounds what truncation is left in it. The rounding in it grows
with j. The entry for which the two together are smallest is the answer, and the two together are its bound. The table
ends when the bound is below SHARP of the gradient's shares and the gradient agrees. Two entries may happen to lie close
while the step is too large, and where f has kinks (an absolute value, a choice) a step crosses some of them until it is
short enough. So before the verdict fails, the table goes on until at half the step rounding alone would be more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from parity.bounds.units import UNIT
from parity.compare.pair import Pair
from parity.compare.test_point import Point, Values
from parity.compare.trees import leaves
from parity.compare.variants import ORACLE
from parity.results.verdict import Verdict, compare

STEP, LEVELS = 2.0**-10, 24  # the table ends earlier, when rounding alone would be more
SHARP = 2.0**-20  # what is smaller does not show in float32, and in float64 the backends differ by it


def slope(pair: Pair, point: Point, truth: Values) -> Verdict:
    """PyTorch's gradient against the slope along the point's direction; variant "reference slope" or "torch slope"."""
    values, direction = point.leaves(), point.directions

    def along(h: float) -> float:
        return weighed(pair, point.at({name: x + h * direction[name] for name, x in values.items()}))

    size = max((float(np.abs(x).max(initial=0.0)) for x in values.values()), default=0.0) or 1.0
    terms = sum(c.size for c in point.cotangents.values())
    noise = 4 * UNIT["float64"] * terms * max(1.0, abs(along(0.0)))
    shares = [truth["gradient", name] * v for name, v in direction.items() if ("gradient", name) in truth]
    claimed, magnitude = sum(float(x.sum()) for x in shares), sum(float(np.abs(x).sum()) for x in shares)
    start = STEP * min(1.0, size)

    def agrees(slope: float, error: float) -> bool:
        return error <= SHARP * magnitude and abs(claimed - slope) <= error

    measured, truncation, rounding, h = ridders(along, start, noise, agrees)
    variant = "reference slope" if pair.reference else "torch slope"
    words = f"what Ridders' table leaves of truncation and rounding at h = {h:.2g}"
    allowed = truncation + rounding + UNIT["float64"] * magnitude
    return compare(pair.name, variant, "all", np.array(claimed), np.array(measured), allowed, words)


def ridders(
    f: Callable[[float], float], h: float, noise: float, enough: Callable[[float, float], bool]
) -> tuple[float, float, float, float]:
    """(f'(0), its truncation error at most, its rounding error at most, the last step used).

    noise: the error of f. enough: (slope, its error at most) -> whether they need no further step.
    """
    best, above = (np.nan, np.inf, np.inf, h), []
    for _ in range(LEVELS):
        row = [(f(h) - f(-h)) / (2 * h)]
        for i, higher in enumerate(above, start=1):
            row.append((4**i * row[-1] - higher) / (4**i - 1))
            left = max(abs(row[i] - row[i - 1]), abs(row[i] - higher))
            # The weights of a row add up to less than 2 in size, whatever the order.
            if left + 2 * noise / h < best[1] + best[2]:
                best = row[i], left, 2 * noise / h, h
        above, h = row, h / 2
        error = best[1] + best[2]
        if error <= 2 * noise / h or enough(best[0], error):
            break
    return best


def weighed(pair: Pair, point: Point) -> float:
    """<f, c> in float64: of the reference, or of PyTorch."""
    if pair.reference is not None:
        outputs = dict(leaves(pair.reference(point.parameters, *point.inputs), "output"))
    else:
        outputs = {name: x for (_, name), x in pair.evaluate(ORACLE, "value", point).items()}
    return sum(float((np.asarray(outputs[name]) * c).sum()) for name, c in point.cotangents.items())
