"""Numbers by their remainders: division with remainder, and the way back from two remainders to the number.

Division (Elements VII): for n >= 0 and b > 0 there is one pair (q, r) with n = q b + r, 0 <= r < b.

Two numbers measured (VII.2): what measures a and b measures a - q b, so gcd(a, b) = gcd(b, a mod b); the remainders
fall, so the greatest common measure results in O(log b) steps. The steps also give s and t with s a + t b = gcd(a, b).

Way back. If p and m have no common measure, s p + t m = 1, so that s p is 1 on m and 0 on p, and t m the other way
about: n = a t m + b s p leaves a on p and b on m. It is the only such number below p m, since two of them differ by a
multiple of p and of m, hence of p m.

Sources: Euclid, Elements VII.1-2; Sun Tzu, about 300 (remainders).
"""

from __future__ import annotations

from math import isqrt

import numpy as np


def measure(a: int, b: int) -> tuple[int, int, int]:
    """(g, s, t) with s a + t b = g, the greatest common measure of a and b, both > 0."""
    (g, s, t), (rest, u, v) = (a, 1, 0), (b, 0, 1)
    while rest:
        q, below = divmod(g, rest)
        (g, s, t), (rest, u, v) = (rest, u, v), (below, s - q * u, t - q * v)
    return g, s, t


def number(a: np.ndarray, b: np.ndarray, p: int, m: int) -> np.ndarray:
    """The one number below p m that leaves a on p and b on m, int64. ValueError if p and m are not coprime."""
    g, s, t = measure(p, m)
    if g != 1:
        raise ValueError(f"remainders on {p} and {m} do not determine a number: both are multiples of {g}.")
    # Reduced first, so that no product exceeds 64 bits.
    one_on_p, one_on_m = t * m % (p * m), s * p % (p * m)
    return (np.asarray(a, np.int64) * one_on_p + np.asarray(b, np.int64) * one_on_m) % (p * m)


def primes(count: int, least: int) -> tuple[int, ...]:
    """The first `count` primes that are not below `least`."""
    primes, n = [], max(2, least)
    while len(primes) < count:
        if all(n % divisor for divisor in range(2, isqrt(n) + 1)):
            primes.append(n)
        n += 1
    return tuple(primes)
