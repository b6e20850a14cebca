"""A derivative by difference quotients, with its error: Ridders' table.

A central difference of step h is off by c_2 h^2 + c_4 h^4 + ... and by the rounding of f over h. Ridders' table
(Advances in Engineering Software 4, 1982) removes term after term: D_0j is the difference at h / 2^j, and

    D_ij = (4^i D_(i-1)j - D_(i-1)(j-1)) / (4^i - 1),

with 2^i for 4^i where the difference is to one side. How far an entry lies from the two that it is made of bounds what
truncation is left in it. The rounding in it grows with j. The entry for which the two together are smallest is the
answer, and the two together are its bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEVELS = 24  # the table ends earlier, when rounding alone would be more
# A difference is off by so many times the noise over h, by growth: the weights of a row add up to less than 2 in size,
# or to less than 9, whatever the order.
WEIGHTS = {4: 2, 2: 18}


@dataclass(frozen=True)
class Slope:
    """value, truncation, rounding: the slope and its errors at most. step: the last one used."""

    value: float
    truncation: float
    rounding: float
    step: float

    @property
    def error(self) -> float:
        """Both errors."""
        return self.truncation + self.rounding


def ridders(
    difference: Callable[[float], float],
    h: float,
    noise: float,
    enough: Callable[[float, float], bool] = lambda slope, error: False,
    growth: int = 4,
) -> Slope:
    """The limit of difference quotients. noise: the error of what is divided.

    enough: (slope, its error at most) -> whether they need no further step. growth: 4 where the errors are even powers
    of the step, 2 where they are all.
    """
    best, above = Slope(np.nan, np.inf, np.inf, h), []
    for _ in range(LEVELS):
        row = [difference(h)]
        for i, higher in enumerate(above, start=1):
            row.append((growth**i * row[-1] - higher) / (growth**i - 1))
            left = max(abs(row[i] - row[i - 1]), abs(row[i] - higher))
            rounding = WEIGHTS[growth] * noise / h
            if left + rounding < best.error:
                best = Slope(row[i], left, rounding, h)
        above, h = row, h / 2
        if best.error <= WEIGHTS[growth] * noise / h or enough(best.value, best.error):
            break
    return best


def central(f: Callable[[float], float]) -> Callable[[float], float]:
    """The difference quotient of f around 0."""
    return lambda h: (f(h) - f(-h)) / (2 * h)


def one_sided(f: Callable[[float], float], side: int) -> Callable[[float], float]:
    """The difference quotient of f from 0 to the right, side 1, or to the left, side -1."""
    here = f(0.0)
    return lambda h: side * (f(side * h) - here) / h
