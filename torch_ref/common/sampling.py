"""What every sampler is made of: choosing one token of V, in whole numbers. Defined by `lyceum.personas.model.sampling`."""

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


def limit(share: float, held: Tensor) -> Tensor:
    """The least whole number that is `share` of the weight held, (..., V) -> (...)."""
    return (threshold(share) * held.sum(dim=-1) + 2**WEIGHT_BITS - 1) >> WEIGHT_BITS


def first(key: Tensor, held: Tensor, below: Tensor) -> Tensor:
    """Who comes first: (..., V) bool. key (..., V) >= 0; held (..., V): the weight of each; below (...): the limit."""
    # One whole number holds key and id, so the sort need not be stable.
    ids = torch.arange(key.shape[-1], device=key.device)
    place = ((key.clamp(max=FAR) * 2**KEY_BITS).round().long() << ID_BITS) + ids
    order = place.sort(dim=-1).values
    weight = held.gather(-1, order & (1 << ID_BITS) - 1)
    before = weight.cumsum(dim=-1) - weight
    last = (before < below[..., None]).sum(dim=-1, keepdim=True) - 1
    return place <= order.gather(-1, last)


def placed(held: Tensor, point: Tensor, width: Tensor) -> Tensor:
    """held (..., V), points below width, (...) each -> (..., 3) int64: the token's id, F before it, F up to it."""
    reached = held.cumsum(dim=-1)
    ids = (reached * width[..., None] <= (point * reached[..., -1])[..., None]).sum(dim=-1, keepdim=True)
    last = reached.gather(-1, ids)
    before = last - held.gather(-1, ids)
    return torch.cat([ids, before, last], dim=-1)


def drawn(n: Tensor, kept: Tensor, r: Tensor) -> Tensor:
    """n, kept (..., V), variates r (...) -> (..., 4) int64: the token's id, K, N, and how many tokens are kept."""
    held = n * kept
    ids = placed(held, r, torch.full_like(r, 2**VARIATE_BITS))[..., 0]
    return torch.stack([ids, held.sum(dim=-1), n.sum(dim=-1), kept.sum(dim=-1)], dim=-1)


class Sampler(nn.Module):
    """What a sampler inherits; it says itself which tokens it keeps."""

    def tempered(self, logits: Tensor) -> Tensor:
        """The logits that are judged and drawn from."""
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def weights(self, logits: Tensor) -> Tensor:
        """logits (..., V) -> n (..., V) int64."""
        return weights(self.tempered(logits))

    def draw(self, logits: Tensor, r: Tensor) -> Tensor:
        """logits (..., V), variates r (...) -> (..., 4) int64: id, weight kept K, weight N, tokens kept."""
        return drawn(self.weights(logits), self.kept(logits), r)

    def forward(self, logits: Tensor) -> Tensor:
        """logits (..., V) -> the law of the token before it is quantised, (..., V), sum 1."""
        # What is kept has no derivative.
        kept = self.kept(logits.detach())
        return self.tempered(logits).masked_fill(~kept, -torch.inf).softmax(dim=-1).to(logits.dtype)
