"""What the nearest points say: each votes for the token that followed it, the nearer the louder.

Equations, for the neighbours i of a query, at squared distances D_i, with what followed them, w_i, and a ruler b:
    K_i = exp(-b D_i / 4096),      S(w) = sum over w_i = w of K_i,      N(w) = the greatest of these K_i
    p(w) = (S(w) - 3/4 N(w)) / (sum_w S(w) - 3/4 N(w)),                 m = 3/4 sum_w N(w) / sum_w S(w)

Of every token's votes three quarters of the nearest are taken away: absolute discounting, for votes that are not whole.
With b = 0 it is that of counts, p = (c - 3/4) / (n - 3/4 types). m is the backoff mass, which the votes reserve.

Theorem. p is a distribution over the tokens that have a vote: every S(w) >= N(w) > 0.

Cost. O(k log k) a query, for the order of its k neighbours by token. Sources: Ney, Essen & Kneser 1994 (absolute
discounting); Nadaraya 1964, Watson 1964 (votes by distance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RULERS = (0.3, 1.0, 3.0)
SCALE, DISCOUNT, QUIET = 4096.0, 0.75, -20.0
FAR = 24  # bits of a distance


@dataclass(frozen=True, eq=False)
class Votes:
    """Of Q queries: keys (n,) sorted, V q + w of each token w that has votes of query q; first (Q + 1,) of each query.

    share (rulers, n): p(w). loud (rulers, Q): log sum S, not below -20; backoff (rulers, Q): m. Where none
    votes they are 0 and 1.
    """

    n_vocab: int
    keys: np.ndarray
    first: np.ndarray
    share: np.ndarray
    loud: np.ndarray
    backoff: np.ndarray

    def of(self, targets: np.ndarray) -> np.ndarray:
        """p(target) by each ruler, (rulers, Q), 0 where nobody votes for it. targets (Q,)."""
        if not len(self.keys):
            return np.zeros((len(self.share), len(targets)))
        wanted = np.arange(len(targets)) * self.n_vocab + targets
        row = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[row] == wanted, self.share[:, row], 0.0)

    def row(self, ruler: int, query: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, p) of all that have votes of one query."""
        met = slice(self.first[query], self.first[query + 1])
        return self.keys[met] - query * self.n_vocab, self.share[ruler, met]


def votes(values: np.ndarray, distances: np.ndarray, voting: np.ndarray, n_vocab: int) -> Votes:
    """values, distances, voting (Q, k): what followed each neighbour, how far it is, whether it is one."""
    queries = len(values)
    # By query and token, and of each token the nearest first, in one whole number: the same numbers are always added in
    # the same order.
    row, column = np.nonzero(voting)
    both = np.sort((row * n_vocab + values[row, column]) << FAR | distances[row, column])
    keys, distance = both >> FAR, both & (1 << FAR) - 1
    owners, starts = keys // n_vocab, np.flatnonzero(np.diff(keys, prepend=-1))
    keys = keys[starts]
    first, owner = np.searchsorted(keys, np.arange(queries + 1) * n_vocab), keys // n_vocab
    # The nearest of all weighs 1, so that something is left however far they are.
    nearest = np.min(distances, axis=1, initial=np.iinfo(np.int64).max, where=voting)
    heard = voting.any(axis=1)
    share, loud, backoff = [], np.zeros((len(RULERS), queries)), np.ones((len(RULERS), queries))
    for i, ruler in enumerate(RULERS):
        weight = np.exp(-ruler / SCALE * (distance - nearest[owners]))
        sums = np.add.reduceat(weight, starts) if len(starts) else weight
        left = sums - DISCOUNT * weight[starts]
        total, given = (np.bincount(owner, x, queries)[heard] for x in (sums, left))
        loud[i, heard] = np.maximum(np.log(total) - ruler / SCALE * nearest[heard], QUIET)
        backoff[i, heard] = 1 - given / total
        share.append(left / np.bincount(owner, left, queries)[owner])
    return Votes(n_vocab, keys, first, np.stack(share), loud, backoff)
