"""How one token of V is drawn: what every sampler is made of. Reference: `lyceum.personas.model.sampling`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

WEIGHT_BITS, VARIATE_BITS, KEY_BITS, ID_BITS = 30, 31, 40, 16
FAR = 64.0


def threshold(share: float) -> int:
    """A share in (0, 1] in units of 2^-30, rounded up."""
    return math.ceil(share * 2**WEIGHT_BITS)


def weights(logits: Tensor) -> Tensor:
    """logits (..., V) -> n (..., V) int64."""
    return (logits.softmax(dim=-1) * 2**WEIGHT_BITS).round().long()


def surprise(logits: Tensor) -> Tensor:
    """logits (..., V) -> s (..., V), nats beyond those of the likeliest token."""
    return (logits.amax(dim=-1, keepdim=True) - logits).clamp(max=FAR)


def limit(share: float, weight: Tensor) -> Tensor:
    """The least integer that is `share` of the sum of weight (..., V) -> (...)."""
    return (threshold(share) * weight.sum(dim=-1) + 2**WEIGHT_BITS - 1) >> WEIGHT_BITS


def first(key: Tensor, weight: Tensor, below: Tensor) -> Tensor:
    """Which tokens come first, (..., V) bool. key (..., V) >= 0, weight (..., V); below (...): the limit."""
    # One integer holds key and id, so the sort need not be stable.
    ids = torch.arange(key.shape[-1], device=key.device)
    key_and_id = ((key.clamp(max=FAR) * 2**KEY_BITS).round().long() << ID_BITS) + ids
    order = key_and_id.sort(dim=-1).values
    ordered = weight.gather(-1, order & (1 << ID_BITS) - 1)
    before = ordered.cumsum(dim=-1) - ordered
    last = (before < below[..., None]).sum(dim=-1, keepdim=True) - 1
    return key_and_id <= order.gather(-1, last)


def inverse_cdf(weight: Tensor, point: Tensor, width: Tensor) -> Tensor:
    """weight (..., V), point (...) below width (...) -> (..., 3) int64: the token's id, F before it, F up to it."""
    cdf = weight.cumsum(dim=-1)
    ids = (cdf * width[..., None] <= (point * cdf[..., -1])[..., None]).sum(dim=-1, keepdim=True)
    last = cdf.gather(-1, ids)
    before = last - weight.gather(-1, ids)
    return torch.cat([ids, before, last], dim=-1)


def choose(n: Tensor, allowed: Tensor, r: Tensor) -> Tensor:
    """n, allowed (..., V), variates r (...) -> (..., 4) int64: the token's id, K, N, how many tokens are allowed."""
    weight = n * allowed
    ids = inverse_cdf(weight, r, torch.full_like(r, 2**VARIATE_BITS))[..., 0]
    return torch.stack([ids, weight.sum(dim=-1), n.sum(dim=-1), allowed.sum(dim=-1)], dim=-1)


class Sampler(nn.Module):
    """What every sampler inherits; each adds `allowed`: which tokens may be drawn."""

    def tempered(self, logits: Tensor) -> Tensor:
        """The logits that the filters and the draw use."""
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def weights(self, logits: Tensor) -> Tensor:
        """logits (..., V) -> n (..., V) int64."""
        return weights(self.tempered(logits))

    def draw(self, logits: Tensor, r: Tensor) -> Tensor:
        """logits (..., V), variates r (...) -> (..., 4) int64: id, allowed weight K, weight N, tokens allowed."""
        return choose(self.weights(logits), self.allowed(logits), r)

    def forward(self, logits: Tensor) -> Tensor:
        """logits (..., V) -> the law of the token before it is quantised, (..., V), sum 1."""
        # Which tokens are allowed has no derivative.
        allowed = self.allowed(logits.detach())
        return self.tempered(logits).masked_fill(~allowed, -torch.inf).softmax(dim=-1).to(logits.dtype)
