"""How one token of V is drawn: what every sampler is made of, in integers.

Idea. A sampler allows some tokens; a uniform variate then picks one of them. Cumulative sums of 50,000 probabilities in
float32 depend on their order, and no GPU of Apple's has float64; sums of integers do not depend on it. So the
distribution becomes integer weights once, and every sum after that is exact, on every device.

Equations.  p = softmax(logits).
    weight      n_i = round(2^30 p_i),  N = sum_i n_i           (the quantised law; N < 2^31)
    surprise    s_i = max_j logits_j - logits_i >= 0            (0 for the likeliest; what exceeds 64 counts as 64)
    first       in order of a key >= 0, ties by id: i is allowed while the weight of those before it is below a limit
    inverse CDF F_i = sum_{j <= i, allowed} n_j, K = weight of the allowed;  the least i with F_i W > x K, for a point x
                in 0 .. W - 1: the unit interval is cut as the weights are, and x / W lies in the cell of i
    choose      the token in whose cell a variate r in 0 .. 2^31 - 1 lies, W = 2^31
Keys count in units of 2^-40 nats. So one 64-bit integer holds key and id, and no sort need be stable.

Theorems.
 1. The first token in the order is always allowed: no weight comes before it, and limits are positive. So K > 0 if it
    has weight. The likeliest has n >= 2^30 / V - 1 > 0.
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
    """A sampler's field is out of its range; the message is one sentence that gives the range."""


WEIGHT_BITS, VARIATE_BITS, KEY_BITS = 30, 31, 40
FAR = 64.0  # nats: beyond it no token has weight


def demand(name: str, value: float, fits: bool, range_: str) -> None:
    """Raises SamplerError unless the value `fits`. range_: the range in words."""
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


def limit(share: float, weight: np.ndarray) -> np.ndarray:
    """The least integer that is `share` of the sum of weight (..., V) -> (...)."""
    return (threshold(share) * weight.sum(-1) + 2**WEIGHT_BITS - 1) >> WEIGHT_BITS


def fixed_point(key: np.ndarray) -> np.ndarray:
    """A key in units of 2^-40 nats, int64; what exceeds 64 nats counts as 64."""
    return np.rint(np.minimum(key, FAR) * 2.0**KEY_BITS).astype(np.int64)


def first(key: np.ndarray, weight: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Which tokens come first, (..., V) bool. key (..., V) >= 0, weight (..., V); below (...): the limit."""
    order = np.argsort(fixed_point(key), axis=-1, kind="stable")
    ordered = np.take_along_axis(weight, order, axis=-1)
    allowed = np.empty(key.shape, bool)
    np.put_along_axis(allowed, order, np.cumsum(ordered, axis=-1) - ordered < below[..., None], axis=-1)
    return allowed


def inverse_cdf(weight: np.ndarray, point: np.ndarray, width: np.ndarray) -> np.ndarray:
    """weight (..., V), point (...) below width (...) -> (..., 3) int64: the token's id, F before it, F up to it."""
    cdf = np.cumsum(weight, axis=-1)
    ids = (cdf * width[..., None] <= (point * cdf[..., -1])[..., None]).sum(-1, keepdims=True)
    last = np.take_along_axis(cdf, ids, axis=-1)
    return np.concatenate([ids, last - np.take_along_axis(weight, ids, axis=-1), last], axis=-1)


def choose(n: np.ndarray, allowed: np.ndarray, r: np.ndarray) -> np.ndarray:
    """n, allowed (..., V), variates r (...) -> (..., 4) int64: the token's id, K, N, how many tokens are allowed."""
    weight = np.where(allowed, n, 0)
    ids = inverse_cdf(weight, r, np.full_like(r, 2**VARIATE_BITS))[..., 0]
    return np.stack([ids, weight.sum(-1), n.sum(-1), allowed.sum(-1)], axis=-1)


class Variates:
    """The variates of continuations: one for every token of each.

    sampler, seed: the same for all. ranks (n,): which continuations, counted from 0; a continuation has the same
    variates whatever others are generated beside it.
    """

    def __init__(self, sampler: Sampler, seed: int, ranks: np.ndarray):
        self.sampler, self.seed, self.ranks = sampler, seed, ranks

    def advance(self, step: int) -> tuple[np.ndarray, ...]:
        """What `draw` takes for token number `step`, beside the logits: (n,) each."""
        self.r = variates(stream(self.seed, "sample", step), self.ranks.max() + 1)[self.ranks]
        return (self.r,)

    def clearance(self, i: int, logits: np.ndarray) -> float:
        """How far the latest choice is from another: logits (V,) of row i -> nats."""
        return self.sampler.clearance(logits, int(self.r[i]))

    def follow(self, draws: np.ndarray) -> None:
        """Takes what was drawn, (n, 4); the variates of later tokens do not depend on it."""


class Sampler:
    """What every sampler inherits; each adds `allowed`: which tokens may be drawn."""

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """There are no parameters."""
        return {}

    def tempered(self, logits: np.ndarray) -> np.ndarray:
        """The logits that the filters and the draw use."""
        return logits

    def weights(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> n (..., V) int64."""
        return weights(self.tempered(logits))

    def draw(self, p: dict[str, np.ndarray], logits: np.ndarray, r: np.ndarray) -> np.ndarray:
        """logits (..., V), variates r (...) -> (..., 4) int64: id, allowed weight K, weight N, tokens allowed."""
        return choose(self.weights(p, logits), self.allowed(p, logits), r)

    def variates(self, seed: int, ranks: np.ndarray) -> Variates:
        """The variates of the continuations of these ranks (n,)."""
        return Variates(self, seed, ranks)

    def __call__(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> the law of the token before it is quantised, (..., V), sum 1."""
        masked = np.where(self.allowed(p, logits), self.tempered(logits), -np.inf)
        return np.exp(masked - logsumexp(masked, axis=-1, keepdims=True))
