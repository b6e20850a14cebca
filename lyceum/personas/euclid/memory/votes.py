"""Votes: each of the nearest points votes for the token that followed it, with a weight that falls with distance.

Equations, for the neighbours i of a query, at squared distances D_i, the tokens w_i that followed them, and a ruler b:
    K_i = exp(-b D_i / 4096),      S(w) = sum over w_i = w of K_i,      N(w) = the greatest of these K_i
    p(w) = (S(w) - 3/4 N(w)) / (sum_w S(w) - 3/4 N(w)),                 m = 3/4 sum_w N(w) / sum_w S(w)

This is absolute discounting, generalised to weights: three quarters of a token's nearest vote are taken away. With
b = 0 it is that of counts, p = (c - 3/4) / (n - 3/4 types). m is the backoff mass, which the votes reserve.

Theorem. p is a distribution over the tokens that have a vote: every S(w) >= N(w) > 0.

Cost. O(k log k) a query, to sort its k neighbours by token. Sources: Ney, Essen & Kneser 1994 (absolute discounting);
Nadaraya 1964, Watson 1964 (votes by distance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DISTANCE_BITS = 24


@dataclass(frozen=True)
class Rule:
    """rulers: b of each. scale: the unit of squared distances. discount: of the nearest vote. least: of log sum S."""

    rulers: tuple[float, ...] = (0.3, 1.0, 3.0)
    scale: float = 4096.0
    discount: float = 0.75
    least: float = -20.0


@dataclass(frozen=True, eq=False)
class Votes:
    """Of Q queries: keys (n,) sorted, V q + w of each token w that has votes of query q; first (Q + 1,) of each query.

    share (rulers, n): p(w). log_votes (rulers, Q): log sum S, not below `Rule.least`; backoff (rulers, Q): m. Where
    there are no votes they are 0 and 1.
    """

    n_vocab: int
    keys: np.ndarray
    first: np.ndarray
    share: np.ndarray
    log_votes: np.ndarray
    backoff: np.ndarray

    def probs(self, targets: np.ndarray) -> np.ndarray:
        """p(target) by each ruler, (rulers, Q), 0 without a vote for it. targets (Q,)."""
        if not len(self.keys):
            return np.zeros((len(self.share), len(targets)))
        wanted = np.arange(len(targets)) * self.n_vocab + targets
        row = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[row] == wanted, self.share[:, row], 0.0)

    def row(self, ruler: int, query: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, p) of all tokens that have votes of one query."""
        part = slice(self.first[query], self.first[query + 1])
        return self.keys[part] - query * self.n_vocab, self.share[ruler, part]


def votes(targets: np.ndarray, distances: np.ndarray, voting: np.ndarray, n_vocab: int, rule: Rule) -> Votes:
    """targets, distances, voting (Q, k): the token after each neighbour, its distance, whether it is a neighbour."""
    queries = len(targets)
    # One integer holds query, token and distance. So sums are over the same numbers in the same order on any machine,
    # and the nearest vote of each token comes first.
    row, column = np.nonzero(voting)
    both = np.sort((row * n_vocab + targets[row, column]) << DISTANCE_BITS | distances[row, column])
    keys, distance = both >> DISTANCE_BITS, both & (1 << DISTANCE_BITS) - 1
    owners, starts = keys // n_vocab, np.flatnonzero(np.diff(keys, prepend=-1))
    keys = keys[starts]
    first, owner = np.searchsorted(keys, np.arange(queries + 1) * n_vocab), keys // n_vocab
    # Weights are relative to the nearest neighbour, which has weight 1 however far it is.
    nearest = np.min(distances, axis=1, initial=np.iinfo(np.int64).max, where=voting)
    some, rulers = voting.any(axis=1), len(rule.rulers)
    share, log_votes, backoff = [], np.zeros((rulers, queries)), np.ones((rulers, queries))
    for i, ruler in enumerate(rule.rulers):
        weight = np.exp(-ruler / rule.scale * (distance - nearest[owners]))
        sums = np.add.reduceat(weight, starts) if len(starts) else weight
        left = sums - rule.discount * weight[starts]
        total, given = (np.bincount(owner, x, queries)[some] for x in (sums, left))
        log_votes[i, some] = np.maximum(np.log(total) - ruler / rule.scale * nearest[some], rule.least)
        backoff[i, some] = 1 - given / total
        share.append(left / np.bincount(owner, left, queries)[owner])
    return Votes(n_vocab, keys, first, np.stack(share), log_votes, backoff)
