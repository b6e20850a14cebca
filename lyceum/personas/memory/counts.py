"""Tables of what followed each context: sorted contexts and tokens, and the discounted share of each token.

A *context* is a few of the tokens before a target, each read as itself, as its species or as its genus (A8): "g4" reads
the three tokens before, "s31" the one before and the one three before, "c3" the one before and the genus of the one
before that. For the contexts h of one such pattern, c(h, w) counts how often w followed, and

    p(w | h) = (c(h, w) - D_c)^+ / (c(h) (1 - m(h))),      c(h) = sum_w c(h, w),
    m(h)     = sum_w D_c(h, w) / c(h),

where D_1, D_2, D_3+ = i - (i + 1) Y n_{i+1} / n_i, Y = n_1 / (n_1 + 2 n_2), n_i the number of (h, w) counted i times.
m(h) is the *backoff* mass, which h reserves for what never followed it; p is a distribution by itself, and
p_KN = (1 - m) p + m p_KN(one order lower) is modified Kneser-Ney.

For orders below the highest, Kneser-Ney replaces c(h, w) by the *continuation count*, the number of different tokens
that occurred before h w: a word that follows only one other predicts nothing elsewhere.

Theorem (held-out text). The tables of pieces of a text are those of a recount over the windows that lie in one piece
entirely: no window crosses a cut, so counts made without a stretch depend on nothing in it, nor on its borders.

Layout. A window of four tokens at most is one uint64, 16 bits a token, the target last: sorted, the followers of one
context are neighbours, and a lookup is a binary search. Cost: O(N log N) once, 0.1 s a table for N = 302,000.

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
    """reads: (how far before the target, TOKEN | SPECIES | GENUS) of each token, furthest first, at most three.

    continuation: whether to count different left neighbours instead of occurrences.
    """

    reads: tuple[tuple[int, int], ...]
    continuation: bool = False

    @property
    def reach(self) -> int:
        """How many tokens there must be before the target."""
        return self.reads[0][0]

    def keys(self, ids: np.ndarray, readings: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """The context before each target: uint64, of the shape of ids[..., positions].

        ids (..., N). readings (3, V): a token as itself, its species, its genus. positions (M,): of targets, >= reach.
        """
        key = np.zeros((*ids.shape[:-1], len(positions)), np.uint64)
        for back, level in self.reads:
            key = (key << BITS) | readings[level][ids[..., positions - back]].astype(np.uint64)
        return key


@dataclass(frozen=True)
class Table:
    """The counts of all contexts of one pattern.

    windows (K,) uint64, sorted: a context and a token that followed it; share (K,): p(token | context).
    contexts (C,) uint64, sorted; first (C + 1,): where the windows of each begin; total, types, backoff (C,): c(h), the
    number of different followers, m(h).
    """

    windows: np.ndarray
    share: np.ndarray
    contexts: np.ndarray
    first: np.ndarray
    total: np.ndarray
    types: np.ndarray
    backoff: np.ndarray

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The row of each context, -1 where the text lacks it; the shape of `keys`."""
        return _find(self.contexts, keys)

    def probs(self, keys: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """p(target | context), 0 where the one never followed the other."""
        row = _find(self.windows, (keys << BITS) | targets.astype(np.uint64))
        return np.where(row >= 0, self.share[row], 0.0)

    def followers(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, p) of all that followed the context in `row`."""
        windows = slice(self.first[row], self.first[row + 1])
        return (self.windows[windows] & np.uint64(0xFFFF)).astype(np.int64), self.share[windows]


def _find(table: np.ndarray, keys: np.ndarray) -> np.ndarray:
    row = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return np.where(table[row] == keys, row, -1)


def discounts(counts: np.ndarray) -> np.ndarray:
    """(0, D_1, D_2, D_3+) for the counts (K,) of all windows, clipped into (0, i) where a short text gives none."""
    n = np.array([0, *(np.count_nonzero(counts == i) for i in (1, 2, 3, 4))])
    share = n[1] / max(1, n[1] + 2 * n[2])
    estimates = (i - (i + 1) * share * n[i + 1] / max(1, n[i]) for i in (1, 2, 3))
    return np.array([0.0, *(np.clip(d, 0.05, 0.98 * i) for i, d in enumerate(estimates, 1))])


def tally(pieces: tuple[np.ndarray, ...], context: Context, readings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(windows, counts) of all pieces (N_i,) of a text: sorted uint64 keys and integers, (K,) each."""
    margin = context.reach + context.continuation
    windows, before = [], []
    for piece in pieces:
        positions = np.arange(margin, len(piece))
        windows.append((context.keys(piece, readings, positions) << BITS) | piece[positions].astype(np.uint64))
        before.append(piece[positions - margin])
    windows = np.concatenate(windows)
    if context.continuation:
        left = np.concatenate(before)
        order = np.lexsort((left, windows))
        windows, left = windows[order], left[order]
        windows = windows[np.r_[True, (windows[1:] != windows[:-1]) | (left[1:] != left[:-1])]]
    return np.unique(windows, return_counts=True)


def count(pieces: tuple[np.ndarray, ...], context: Context, readings: np.ndarray) -> Table:
    """The table of a text given in pieces; at least one must be longer than the context and its left neighbour."""
    windows, counts = tally(pieces, context, readings)
    discounted = counts - discounts(counts)[np.minimum(counts, 3)]
    contexts, first, types = np.unique(windows >> BITS, return_index=True, return_counts=True)
    total, left = np.add.reduceat(counts, first), np.add.reduceat(discounted, first)
    share = discounted / np.repeat(left, types)
    return Table(windows, share, contexts, np.append(first, len(windows)), total, types, 1 - left / total)
