"""What the block itself repeats: tokens that occurred lately, and what followed the present token when it did before.

Weights over the earlier positions j of a block, x_1 ... x_t, for the token after position t:

    cache      K_tj = exp(a(t - j) + r(n_j))                                                 for all j <= t
    follower   F_tj = exp(a'(t - j) + r'(n_j) + M(l_tj) + q(n_t))                            where x_{j-1} = x_t
    part       p(w) = sum_j [x_j = w] K_tj / sum_j K_tj

n is a token's count in training, in twelve classes by its binary logarithm: a rare word that occurred is likely to
return. l is how many tokens before j match those before the target, 1 to 3: after "A B ... A" the follower
expects B, which is what an induction head learns. a, r, a', r', M, q are constants of the gate.

Both sums are also the weights of their parts in the mixture: a cache of old and common words weighs little.
Cost: O(T^2) a block. Sources: Kuhn & De Mori 1990 (cache); Grave et al. 2017 (continuous cache); Olsson et al. 2022
(induction heads).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

CLASSES, LONGEST = 12, 3  # of a gate that is fitted; a gate that is given says by its shapes


@dataclass(frozen=True)
class Recency:
    """The constants: a and a' (lags), r, r' and q (12), M (3). A lag beyond the last of a's counts as the last."""

    cache_lag: np.ndarray
    cache_count: np.ndarray
    follow_lag: np.ndarray
    follow_count: np.ndarray
    follow_match: np.ndarray
    follow_present: np.ndarray

    @classmethod
    def from_constants(cls, constants: dict[str, np.ndarray]) -> Recency:
        """Picked by name from all constants of a gate."""
        return cls(**{field.name: constants[field.name] for field in fields(cls)})

    def weights(self, ids: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(K, F), (B, T, T) float64 each, 0 where there is none. ids (B, T); level (B, T): n of each."""
        lag, past = lags(ids.shape[1], len(self.cache_lag))
        match = matches(ids, len(self.follow_match))
        cache = np.exp(self.cache_lag[lag] + self.cache_count[level][:, None]) * past
        follow = self.follow_lag[lag] + self.follow_count[level][:, None] + self.follow_present[level][..., None]
        return cache, np.exp(follow + self.follow_match[match - 1]) * (match > 0)


def levels(counts: np.ndarray, classes: int) -> np.ndarray:
    """The class of each count: floor(log2(count + 1)), at most classes - 1."""
    return np.minimum(np.log2(counts + 1).astype(np.int64), classes - 1)


def lags(length: int, n_lags: int) -> tuple[np.ndarray, np.ndarray]:
    """(t - j clipped to 0 ... n_lags - 1, whether j <= t), (T, T) each."""
    lag = np.arange(length)[:, None] - np.arange(length)
    return np.clip(lag, 0, n_lags - 1), lag >= 0


def matches(ids: np.ndarray, longest: int) -> np.ndarray:
    """l_tj: how many before j equal those up to t, at most `longest` (B, T, T); 0 if x_{j-1} is not x_t or j > t."""
    same = ids[:, :, None] == ids[:, None, :]
    follows = np.zeros_like(same)
    follows[:, :, 1:] = same[:, :, :-1]
    follows &= lags(ids.shape[1], 1)[1]
    length, run = follows.astype(np.int64), follows
    for back in range(1, longest):
        earlier = np.zeros_like(follows)
        earlier[:, back:, back:] = follows[:, :-back, :-back]
        run = run & earlier
        length += run
    return length
