"""How far a choice is from another: the change of the logits up to which a sampler draws the same token.

Two backends compute the same logits up to some rounding d, so they draw the same token unless a choice depends on less.
A sampler makes a few comparisons (is the token likely enough? is the limit reached? in whose cell is the variate?). If
no comparison changes for any change |d_i| <= d of the logits, neither does the token. All functions take one row, and
return such a d, in nats; a negative d guarantees nothing.

 - A share of weight has a log-odds that moves by at most 2 d, so the share moves by at most d / 2.
 - A surprise, a difference of two logits, moves by at most 2 d.
 - A key |s - mean| moves by at most d + |change of mean| <= 2 d + (e^(2d) - 1) D against another's, with D the mean of
   |s - mean|: the mean is taken with other weights, in ratios within e^(+-2d), over other surprises.
Rounding to integer weights moves a share of m tokens of weight K by at most (m + 1) / K more; keys are off by at most
KEY_ERROR.
"""

from __future__ import annotations

import numpy as np

from lyceum.personas.model.sampling import VARIATE_BITS, fixed_point, limit

KEY_ERROR = 8e-6  # nats, of a difference of two keys in float32, for surprises below 16 nats


def of_share(share: float, edge: float, n_tokens: int, weight: int) -> float:
    """A share made of the weights of `n_tokens` tokens, compared with an edge."""
    return 2 * (abs(share - edge) - (n_tokens + 1) / weight)


def of_level(surprise: np.ndarray, edge: float) -> float:
    """Surprises (V,) compared with an edge."""
    return (np.abs(surprise - edge).min() - KEY_ERROR) / 2


def of_count(key: np.ndarray, count: int) -> float:
    """The first `count` tokens by key, a difference of logits."""
    order = np.sort(key)
    return np.inf if count >= len(key) else (order[count] - order[count - 1] - KEY_ERROR) / 2


def of_share_of(key: np.ndarray, weight: np.ndarray, share: float, key_rate: float = 1.0) -> float:
    """`sampling.first` of one row up to a share of the weight. key_rate: how fast a key moves, 1 for a surprise.

    The set is that of the tokens up to the last one, so it stays if the last stays between its neighbours and is still
    the one that reaches the share.
    """
    ids = np.flatnonzero(weight)
    order = ids[np.argsort(fixed_point(key[ids]), kind="stable")]
    reached = np.cumsum(weight[order])
    last = int(np.searchsorted(reached, limit(share, weight)))
    if last == len(order) - 1 and share == 1:
        return np.inf
    gaps = np.diff(key[order])[max(last - 1, 0) : last + 1]
    within = [edge for edge in (reached[last - 1] if last else 0, reached[last]) if 0 < edge < reached[-1]]
    shares = [of_share(edge / reached[-1], share, len(order), reached[-1]) for edge in within]
    return min((gaps.min(initial=np.inf) - KEY_ERROR) / (2 * key_rate), *shares, np.inf)


def of_draw(n: np.ndarray, allowed: np.ndarray, r: int, blur: float = 1.0) -> float:
    """`sampling.choose` of one row: the variate between the edges of its token.

    blur: how many times as far as one edge moves the variate may move against its edges, if earlier choices moved it.
    """
    edges = np.concatenate([[0], np.cumsum(np.where(allowed, n, 0))])
    total = edges[-1]
    i = int((edges[1:] <= (int(r) * int(total) >> VARIATE_BITS)).sum())
    within = [edge for edge in (edges[i], edges[i + 1]) if 0 < edge < total]
    gaps = (abs(edge / total - r / 2**VARIATE_BITS) / blur for edge in within)
    return min((of_share(gap, 0.0, int(allowed.sum()), total) for gap in gaps), default=np.inf)
