"""How one token of V is drawn: what every sampler is made of. Reference: `lyceum.personas.model.sampling`."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx import nn

WEIGHT_BITS, VARIATE_BITS, KEY_BITS, ID_BITS = 30, 31, 40, 16
FAR = 64.0


def threshold(share: float) -> int:
    """A share in (0, 1] in units of 2^-30, rounded up."""
    return math.ceil(share * 2**WEIGHT_BITS)


def wide(x: mx.array) -> mx.array:
    """x in float32 at least."""
    return x if x.dtype == mx.float64 else x.astype(mx.float32)


def weights(logits: mx.array) -> mx.array:
    """logits (..., V) -> n (..., V) int32, since MLX has no running sums of int64 on Metal; they stay below 2^31."""
    return mx.round(mx.softmax(logits, axis=-1) * 2**WEIGHT_BITS).astype(mx.int32)


def surprise(logits: mx.array) -> mx.array:
    """logits (..., V) -> s (..., V), nats beyond those of the likeliest token."""
    return mx.minimum(logits.max(axis=-1, keepdims=True) - logits, FAR)


def limit(share: float, weight: mx.array) -> mx.array:
    """The least integer that is `share` of the sum of weight (..., V) -> (...)."""
    return (threshold(share) * weight.sum(axis=-1).astype(mx.int64) + 2**WEIGHT_BITS - 1) >> WEIGHT_BITS


def first(key: mx.array, weight: mx.array, below: mx.array) -> mx.array:
    """Which tokens come first, (..., V) bool. key (..., V) >= 0, weight (..., V); below (...): the limit."""
    # One integer holds key and id, so the sort need not be stable. (A sum: MLX 0.32.4 vmaps | wrongly.)
    ids = mx.arange(key.shape[-1])
    key_and_id = (mx.round(mx.minimum(key, FAR) * 2**KEY_BITS).astype(mx.int64) << ID_BITS) + ids
    order = mx.sort(key_and_id, axis=-1)
    ordered = mx.take_along_axis(weight, order & ((1 << ID_BITS) - 1), axis=-1)
    before = mx.cumsum(ordered, axis=-1) - ordered
    last = (before < below[..., None]).sum(axis=-1, keepdims=True) - 1
    return key_and_id <= mx.take_along_axis(order, last, axis=-1)


def inverse_cdf(weight: mx.array, point: mx.array, width: mx.array) -> mx.array:
    """weight (..., V), point (...) below width (...) -> (..., 3) int64: the token's id, F before it, F up to it."""
    cdf = mx.cumsum(weight, axis=-1).astype(mx.int64)
    ids = (cdf * width[..., None] <= (point * cdf[..., -1])[..., None]).sum(axis=-1, keepdims=True)
    last = mx.take_along_axis(cdf, ids, axis=-1)
    before = last - mx.take_along_axis(weight, ids, axis=-1)
    return mx.concatenate([ids.astype(mx.int64), before, last], axis=-1)


def choose(n: mx.array, allowed: mx.array, r: mx.array) -> mx.array:
    """n, allowed (..., V), variates r (...) -> (..., 4) int64: the token's id, K, N, how many tokens are allowed."""
    weight = n * allowed
    ids = inverse_cdf(weight, r, mx.full(r.shape, 2**VARIATE_BITS, mx.int64))[..., 0]
    return mx.stack([ids, weight.sum(axis=-1), n.sum(axis=-1), allowed.sum(axis=-1)], axis=-1)


class Sampler(nn.Module):
    """What every sampler inherits; each adds `allowed`: which tokens may be drawn."""

    def tempered(self, logits: mx.array) -> mx.array:
        """The logits that the filters and the draw use."""
        return wide(logits)

    def weights(self, logits: mx.array) -> mx.array:
        """logits (..., V) -> n (..., V) int32."""
        return weights(self.tempered(logits))

    def draw(self, logits: mx.array, r: mx.array) -> mx.array:
        """logits (..., V), variates r (...) -> (..., 4) int64: id, allowed weight K, weight N, tokens allowed."""
        return choose(self.weights(logits), self.allowed(logits), r)

    def __call__(self, logits: mx.array) -> mx.array:
        """logits (..., V) -> the law of the token before it is quantised, (..., V), sum 1."""
        # Which tokens are allowed has no derivative.
        allowed = self.allowed(mx.stop_gradient(logits))
        masked = mx.where(allowed, self.tempered(logits), -mx.inf)
        return mx.softmax(masked, axis=-1).astype(logits.dtype)
