"""Interpolated modified Kneser-Ney, straight from the papers: dictionaries, loops, one history at a time.

    p_1 = base,    p_n(w | h) = max(c_n(h w) - D(c_n(h w)), 0) / c_n(h) + gamma_n(h) p_{n-1}(w | h without its first)
    gamma_n(h) = sum over w of D(c_n(h w)) / c_n(h),         p_n = p_{n-1} where c_n(h) = 0

c_4 counts occurrences; c_n below it counts the different tokens that came before: N_1+(. h w). It is independent of
`lyceum.personas.memory.counts`, as the other side of a theorem; only tests run it.

Sources: Kneser & Ney 1995; Chen & Goodman 1999.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

ORDER = 4


def grams(pieces: tuple[np.ndarray, ...], n: int) -> list[tuple[int, ...]]:
    """Every n tokens in a row that lie in one piece."""
    return [tuple(map(int, piece[i : i + n])) for piece in pieces for i in range(len(piece) - n + 1)]


def counted(pieces: tuple[np.ndarray, ...], n: int) -> Counter:
    """c_n of every n-gram."""
    if n == ORDER:
        return Counter(grams(pieces, n))
    return Counter(gram[1:] for gram in set(grams(pieces, n + 1)))


def discount(counts: Counter) -> dict[int, float]:
    """D for a count of 1, of 2, and of 3 or more; clipped into (0, count) where a short text gives none."""
    n = Counter(counts.values())
    y = n[1] / max(1, n[1] + 2 * n[2])
    return {i: min(max(i - (i + 1) * y * n[i + 1] / max(1, n[i]), 0.05), 0.98 * i) for i in (1, 2, 3)}


def kneser_ney(pieces: tuple[np.ndarray, ...], history: tuple[int, ...], base: np.ndarray) -> np.ndarray:
    """p(. | history) as an array (V,). history: up to three tokens, latest last. base (V,): p_1."""
    p = base
    for n in range(2, min(len(history) + 1, ORDER) + 1):
        counts, before = counted(pieces, n), history[len(history) - n + 1 :]
        following = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == before}
        if not following:
            continue
        d, total = discount(counts), sum(following.values())
        p = p * sum(d[min(c, 3)] for c in following.values()) / total
        for w, c in following.items():
            p[w] += max(c - d[min(c, 3)], 0) / total
    return p
