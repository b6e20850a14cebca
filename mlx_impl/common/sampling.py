"""What every sampler is made of: choosing one token of V, in whole numbers. Defined by `lyceum.personas.model.sampling`."""

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


def limit(share: float, held: mx.array) -> mx.array:
    """The least whole number that is `share` of the weight held, (..., V) -> (...)."""
    return (threshold(share) * held.sum(axis=-1).astype(mx.int64) + 2**WEIGHT_BITS - 1) >> WEIGHT_BITS


def first(key: mx.array, held: mx.array, below: mx.array) -> mx.array:
    """Who comes first: (..., V) bool. key (..., V) >= 0; held (..., V): the weight of each; below (...): the limit."""
    # One whole number holds key and id, so the sort need not be stable. (A sum: MLX 0.32.4 vmaps | wrongly.)
    ids = mx.arange(key.shape[-1])
    place = (mx.round(mx.minimum(key, FAR) * 2**KEY_BITS).astype(mx.int64) << ID_BITS) + ids
    order = mx.sort(place, axis=-1)
    weight = mx.take_along_axis(held, order & ((1 << ID_BITS) - 1), axis=-1)
    before = mx.cumsum(weight, axis=-1) - weight
    last = (before < below[..., None]).sum(axis=-1, keepdims=True) - 1
    return place <= mx.take_along_axis(order, last, axis=-1)


def placed(held: mx.array, point: mx.array, width: mx.array) -> mx.array:
    """held (..., V), points below width, (...) each -> (..., 3) int64: the token's id, F before it, F up to it."""
    reached = mx.cumsum(held, axis=-1).astype(mx.int64)
    ids = (reached * width[..., None] <= (point * reached[..., -1])[..., None]).sum(axis=-1, keepdims=True)
    last = mx.take_along_axis(reached, ids, axis=-1)
    before = last - mx.take_along_axis(held, ids, axis=-1)
    return mx.concatenate([ids.astype(mx.int64), before, last], axis=-1)


def drawn(n: mx.array, kept: mx.array, r: mx.array) -> mx.array:
    """n, kept (..., V), variates r (...) -> (..., 4) int64: the token's id, K, N, and how many tokens are kept."""
    held = n * kept
    ids = placed(held, r, mx.full(r.shape, 2**VARIATE_BITS, mx.int64))[..., 0]
    return mx.stack([ids, held.sum(axis=-1), n.sum(axis=-1), kept.sum(axis=-1)], axis=-1)


class Sampler(nn.Module):
    """What a sampler inherits; it says itself which tokens it keeps."""

    def tempered(self, logits: mx.array) -> mx.array:
        """The logits that are judged and drawn from."""
        return wide(logits)

    def weights(self, logits: mx.array) -> mx.array:
        """logits (..., V) -> n (..., V) int32."""
        return weights(self.tempered(logits))

    def draw(self, logits: mx.array, r: mx.array) -> mx.array:
        """logits (..., V), variates r (...) -> (..., 4) int64: id, weight kept K, weight N, tokens kept."""
        return drawn(self.weights(logits), self.kept(logits), r)

    def __call__(self, logits: mx.array) -> mx.array:
        """logits (..., V) -> the law of the token before it is quantised, (..., V), sum 1."""
        # What is kept has no derivative.
        kept = self.kept(mx.stop_gradient(logits))
        masked = mx.where(kept, self.tempered(logits), -mx.inf)
        return mx.softmax(masked, axis=-1).astype(logits.dtype)
