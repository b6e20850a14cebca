"""Counts of what followed: sorted tables of contexts and tokens, and the discounted share that a context gives a token.

A *context* is a few of the tokens before a target, each read as itself, as its species or as its genus (A8): "g4" reads
the three tokens before, "s31" the one before and the one three before, "c3" the one before and the genus of the one
before that. For the contexts h of one kind, c(h, w) counts how often w followed, and

    p(w | h) = (c(h, w) - D_c)^+ / (c(h) (1 - m(h))),      c(h) = sum_w c(h, w),
    m(h)     = sum_w D_c(h, w) / c(h),

where D_1, D_2, D_3+ = i - (i + 1) Y n_{i+1} / n_i, Y = n_1 / (n_1 + 2 n_2), n_i the number of (h, w) counted i times.
m(h) is the mass that h keeps back for what it has not seen, p its *discounted part*, a distribution by itself:
p_KN = (1 - m) p + m p_KN(one order lower) is modified Kneser-Ney.

For orders below the highest, Kneser-Ney replaces c(h, w) by the *continuation count*, the number of different tokens
that stood before h w: a word that follows only one other is no guide elsewhere.

Theorem (held out). The tables of pieces of a text are those of a recount over the windows that lie in one piece
entirely: no window crosses a cut, so the counts made without a stretch know nothing of it, not even its borders.

Layout. A window of four tokens at most is one uint64, 16 bits a token, the target last: sorted, the followers of one
context are neighbours, and a lookup is a binary search. Cost: O(N log N) once, 0.1 s a kind for N = 302,000.

Sources: Kneser & Ney 1995; Chen & Goodman 1999 (modified discounts); Guthrie et al. 2006 (skips); Brown et al. 1992
(classes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BITS = np.uint64(16)
TOKEN, SPECIES, GENUS = range(3)


@dataclass(frozen=True)
class Context:
    """reads: (how many places before the target, TOKEN | SPECIES | GENUS) of each token, furthest first, at most three.

    continuation: whether to count different left neighbours instead of occurrences.
    """

    reads: tuple[tuple[int, int], ...]
    continuation: bool = False

    @property
    def reach(self) -> int:
        """How many tokens there must be before the target."""
        return self.reads[0][0]

    def keys(self, ids: np.ndarray, readings: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The context before each target: uint64, of the shape of ids[..., places].

        ids (..., N). readings (3, V): a token as itself, its species, its genus. places (M,) of the targets, >= reach.
        """
        key = np.zeros((*ids.shape[:-1], len(places)), np.uint64)
        for back, level in self.reads:
            key = (key << BITS) | readings[level][ids[..., places - back]].astype(np.uint64)
        return key


@dataclass(frozen=True)
class Table:
    """The counts of one kind of context.

    windows (K,) uint64, sorted: a context and a token that followed it; share (K,): its discounted part p > 0 or 0.
    contexts (C,) uint64, sorted; first (C + 1,): where the windows of each begin; total, types, kept (C,): c(h), the
    number of different followers, m(h).
    """

    windows: np.ndarray
    share: np.ndarray
    contexts: np.ndarray
    first: np.ndarray
    total: np.ndarray
    types: np.ndarray
    kept: np.ndarray

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The row of each context, -1 where it was never met; the shape of `keys`."""
        return _find(self.contexts, keys)

    def parts(self, keys: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """p(target | context), 0 where they were never met together."""
        row = _find(self.windows, (keys << BITS) | targets.astype(np.uint64))
        return np.where(row >= 0, self.share[row], 0.0)

    def followers(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, p) of all that followed the context in `row`."""
        met = slice(self.first[row], self.first[row + 1])
        return (self.windows[met] & np.uint64(0xFFFF)).astype(np.int64), self.share[met]


def _find(table: np.ndarray, keys: np.ndarray) -> np.ndarray:
    row = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return np.where(table[row] == keys, row, -1)


def discounts(counts: np.ndarray) -> np.ndarray:
    """(0, D_1, D_2, D_3+) for the counts (K,) of all windows, kept inside (0, i) where a short text gives none."""
    n = np.array([0, *(np.count_nonzero(counts == i) for i in (1, 2, 3, 4))])
    share = n[1] / max(1, n[1] + 2 * n[2])
    estimates = (i - (i + 1) * share * n[i + 1] / max(1, n[i]) for i in (1, 2, 3))
    return np.array([0.0, *(np.clip(d, 0.05, 0.98 * i) for i, d in enumerate(estimates, 1))])


def tally(pieces: tuple[np.ndarray, ...], context: Context, readings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(windows, counts) of all pieces (N_i,) of a text: sorted uint64 keys and whole numbers, (K,) each."""
    margin = context.reach + context.continuation
    found, before = [], []
    for piece in pieces:
        places = np.arange(margin, len(piece))
        found.append((context.keys(piece, readings, places) << BITS) | piece[places].astype(np.uint64))
        before.append(piece[places - margin])
    windows = np.concatenate(found)
    if context.continuation:
        left = np.concatenate(before)
        order = np.lexsort((left, windows))
        windows, left = windows[order], left[order]
        windows = windows[np.r_[True, (windows[1:] != windows[:-1]) | (left[1:] != left[:-1])]]
    return np.unique(windows, return_counts=True)


def count(pieces: tuple[np.ndarray, ...], context: Context, readings: np.ndarray) -> Table:
    """The table of a text given in pieces; at least one must be longer than the context and its left neighbour."""
    windows, counts = tally(pieces, context, readings)
    taken = discounts(counts)[np.minimum(counts, 3)]
    contexts, first, types = np.unique(windows >> BITS, return_index=True, return_counts=True)
    total, given = np.add.reduceat(counts, first), np.add.reduceat(counts - taken, first)
    share = (counts - taken) / np.repeat(given, types)
    return Table(windows, share, contexts, np.append(first, len(windows)), total, types, 1 - given / total)
