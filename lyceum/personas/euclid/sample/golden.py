"""The golden sequence: points of a circle that stay apart, however many of them are taken.

Idea. A line is cut in extreme and mean ratio when the whole is to the greater part as the greater to the less (Elements
VI, definition 3; the cut is constructed in II.11). Carry the greater part round a circle again and again: no ratio is
further from every ratio of small numbers, so no point comes near an earlier one before it must.

Equations. The circle has 2^N positions; phi = (1 + sqrt 5) / 2.
    g    = the floor of 2^N / phi = (sqrt(5 4^N) - 2^N) / 2, in integers, and one more where that is even
    u_i  = (u_0 + i g) mod 2^N

Theorems.
 1. The first 2^N points are all positions, each once: only the unit measures both g and 2^N, since g is odd.
 2. (three gaps) n points cut the circle into gaps of at most three lengths, and if of three, the greatest is the sum of
    the others. Proof: let a, b < n make A = a g mod 2^N and B = -b g mod 2^N least. The next point after u_i is u_{i+a}
    if i < n - a, else u_{i-b} if i >= b, else u_{i+a-b}: at A, B or A + B.
 3. (the least gap) For Fibonacci numbers F_k <= n - 1 < F_{k+1} it is phi^-k > 1 / (sqrt(5) n) of the circle, to
    within n positions. Proof: points whose ranks differ by m lie |m / phi - nearest integer| apart; the Fibonacci
    numbers are the records of that, F_k with phi^-k = 1 / (sqrt(5) F_k + (-phi)^-k).

Sources: Sós 1958 and Świerczkowski 1958 (three gaps); Knuth 1973, 6.4 (g is his multiplier for N = 32).
"""

from __future__ import annotations

from math import isqrt

import numpy as np


def greater_part(bits: int) -> int:
    """g, for a circle of 2^bits positions."""
    return (isqrt(5 << 2 * bits) - (1 << bits)) // 2 | 1


def sequence(first: int, ranks: np.ndarray, bits: int) -> np.ndarray:
    """u_i for u_0 = first and ranks i (n,), int64 in 0 .. 2^bits - 1, bits <= 32."""
    return (first + ranks * greater_part(bits)) % 2**bits


def gaps(positions: np.ndarray, bits: int) -> np.ndarray:
    """positions (n,) on a circle -> the distance from each to the next, (n,), in the circle's order."""
    return np.diff(np.sort(positions), append=positions.min() + 2**bits)
