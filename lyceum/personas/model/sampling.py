"""What every sampler is made of: choosing one token of V, in whole numbers.

Idea. A sampler keeps some tokens and then takes the one at which a uniform variate falls. Cumulative sums of 50,000
probabilities in float32 depend on their order, and no GPU of Apple's has float64; whole numbers have no order. So a
distribution becomes weights once, and everything that is added up after that is exact, on every device.

Equations.  p = softmax(logits).
    weight     n_i = round(2^30 p_i),  N = sum_i n_i            (the law, quantised; N < 2^31)
    surprise   s_i = max_j logits_j - logits_i >= 0             (0 for the likeliest, infinite ones count as 64)
    first      in order of a key >= 0, ties by id: i is kept while the weight of those before it is below a limit
    placed     F_i = sum_{j <= i, kept} n_j, K = weight of the kept;  the least i with F_i W > x K, for a point x in
               0 .. W - 1: the unit interval is cut as the weights are, and x / W lies in the cell of i
    drawn      the token in whose cell a variate r in 0 .. 2^31 - 1 lies, W = 2^31
Keys count in units of 2^-40 nats. So one 64-bit whole number holds key and id, and no sort need be stable.

Theorems.
 1. The first token in the order is always kept (nothing stands before it, and limits are positive), and its weight is
    that of a kept token; so K > 0 if a kept token has weight. The likeliest has n >= 2^30 / V - 1 > 0.
 2. x K < W K, so the sum is reached: no index is left to clamp.
 3. Token i has exactly  ceil(F_i W / K) - ceil(F_{i-1} W / K)  of the W points: its probability is n_i / K to within
    1 / W. Proof: F W <= x K iff x >= F W / K.
 4. Any order of summation gives the same N, K and F: sums stay below 2^31, and products below 2^63 for W <= 2^32.

Cost: O(V log V) for each ordering, O(V) for the rest. V <= 65,536, the ids that 16 bits hold.
Source: arithmetic coding works on the same quantised cumulative weights (Witten, Neal, Cleary 1987).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import logsumexp

from lyceum.rng import stream


class SamplerError(ValueError):
    """A sampler's field has a value that means nothing; the message is one sentence that says which it may have."""


WEIGHT_BITS, VARIATE_BITS, KEY_BITS = 30, 31, 40
FAR = 64.0  # nats: beyond it no token has weight


def demand(name: str, value: float, fits: bool, range_: str) -> None:
    """Raises SamplerError unless the value `fits` the range that the words describe."""
    if not fits:
        raise SamplerError(f"{name} must be {range_}, got {value}.")


def variates(generator: np.random.Generator, count: int) -> np.ndarray:
    """Uniform variates, (count,) int64 in 0 .. 2^31 - 1."""
    return generator.integers(0, 2**VARIATE_BITS, count)


def threshold(share: float) -> int:
    """A share in (0, 1] in units of 2^-30, rounded up."""
    return math.ceil(share * 2**WEIGHT_BITS)


def weights(logits: np.ndarray) -> np.ndarray:
    """logits (..., V) -> n (..., V) int64."""
    p = np.exp(logits - logits.max(-1, keepdims=True))
    return np.rint(2.0**WEIGHT_BITS * p / p.sum(-1, keepdims=True)).astype(np.int64)


def surprise(logits: np.ndarray) -> np.ndarray:
    """logits (..., V) -> s (..., V), nats beyond those of the likeliest token."""
    return np.minimum(logits.max(-1, keepdims=True) - logits, FAR)


def limit(share: float, held: np.ndarray) -> np.ndarray:
    """The least whole number that is `share` of the weight held, (..., V) -> (...)."""
    return (threshold(share) * held.sum(-1) + 2**WEIGHT_BITS - 1) >> WEIGHT_BITS


def whole(key: np.ndarray) -> np.ndarray:
    """A key in units of 2^-40 nats, int64; infinite ones count as 64 nats."""
    return np.rint(np.minimum(key, FAR) * 2.0**KEY_BITS).astype(np.int64)


def first(key: np.ndarray, held: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Who comes first: (..., V) bool. key (..., V) >= 0; held (..., V): the weight of each; below (...): the limit."""
    order = np.argsort(whole(key), axis=-1, kind="stable")
    weight = np.take_along_axis(held, order, axis=-1)
    kept = np.empty(key.shape, bool)
    np.put_along_axis(kept, order, np.cumsum(weight, axis=-1) - weight < below[..., None], axis=-1)
    return kept


def placed(held: np.ndarray, point: np.ndarray, width: np.ndarray) -> np.ndarray:
    """held (..., V), points below width, (...) each -> (..., 3) int64: the token's id, F before it, F up to it."""
    reached = np.cumsum(held, axis=-1)
    ids = (reached * width[..., None] <= (point * reached[..., -1])[..., None]).sum(-1, keepdims=True)
    last = np.take_along_axis(reached, ids, axis=-1)
    return np.concatenate([ids, last - np.take_along_axis(held, ids, axis=-1), last], axis=-1)


def drawn(n: np.ndarray, kept: np.ndarray, r: np.ndarray) -> np.ndarray:
    """n, kept (..., V), variates r (...) -> (..., 4) int64: the token's id, K, N, and how many tokens are kept."""
    held = np.where(kept, n, 0)
    ids = placed(held, r, np.full_like(r, 2**VARIATE_BITS))[..., 0]
    return np.stack([ids, held.sum(-1), n.sum(-1), kept.sum(-1)], axis=-1)


class Variates:
    """The variates of continuations: for every token of each a variate of its own.

    sampler: whose. seed: of all of them. ranks (n,): which continuations, counted from 0; one has the same variates
    whatever others are written beside it.
    """

    def __init__(self, sampler: Sampler, seed: int, ranks: np.ndarray):
        self.sampler, self.seed, self.ranks = sampler, seed, ranks

    def advance(self, step: int) -> tuple[np.ndarray, ...]:
        """What `draw` takes for token number `step`, beside the logits: (n,) each."""
        self.r = variates(stream(self.seed, "sample", step), self.ranks.max() + 1)[self.ranks]
        return (self.r,)

    def clearance(self, i: int, logits: np.ndarray) -> float:
        """How far the choice just made is from another: logits (V,) of row i -> nats."""
        return self.sampler.clearance(logits, int(self.r[i]))

    def follow(self, found: np.ndarray) -> None:
        """What was drawn, (n, 4): the next token does not hang on it."""


class Sampler:
    """What a specification of a sampler inherits; it says itself which tokens it keeps."""

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Nothing is learned."""
        return {}

    def tempered(self, logits: np.ndarray) -> np.ndarray:
        """The logits that are judged and drawn from."""
        return logits

    def weights(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> n (..., V) int64."""
        return weights(self.tempered(logits))

    def draw(self, p: dict[str, np.ndarray], logits: np.ndarray, r: np.ndarray) -> np.ndarray:
        """logits (..., V), variates r (...) -> (..., 4) int64: id, weight kept K, weight N, tokens kept."""
        return drawn(self.weights(p, logits), self.kept(p, logits), r)

    def variates(self, seed: int, ranks: np.ndarray) -> Variates:
        """What the continuations of these ranks (n,) are drawn by."""
        return Variates(self, seed, ranks)

    def __call__(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> the law of the token before it is quantised, (..., V), sum 1."""
        masked = np.where(self.kept(p, logits), self.tempered(logits), -np.inf)
        return np.exp(masked - logsumexp(masked, axis=-1, keepdims=True))
