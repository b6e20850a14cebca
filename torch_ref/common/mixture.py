"""A memory: the model and what the text recalls, mixed by a gate. Defined by `lyceum.personas.memory.mixture`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.memory import mixture as reference
from torch_ref.registry import implements


@implements(reference.Mixture)
class Mixture(nn.Module):
    """The model's log probabilities and the evidence -> those of the mixture."""

    def __init__(self, weight):
        super().__init__()
        # A constant of the plan: nothing of the memory is trained with the model.
        self.register_buffer("weight", torch.from_numpy(weight), persistent=False)

    def log_weights(self, uncertainty: Tensor, features: Tensor, offsets: Tensor) -> Tensor:
        """uncertainty (..., 3), features (..., m), offsets (..., n) -> log weights of all parts, (..., 1 + n)."""
        scores = torch.cat([features, uncertainty], dim=-1) @ self.weight.to(features.dtype).T
        scores = torch.cat([scores[..., :1], scores[..., 1:] + offsets], dim=-1)
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, own: Tensor, uncertainty: Tensor, features: Tensor, offsets: Tensor, parts: Tensor) -> Tensor:
        """own (...): the model's log p(target); parts (..., n): those of the memory's parts -> (...), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        return (weights + torch.cat([own[..., None], parts], dim=-1)).logsumexp(dim=-1)

    def log_probs(self, own: Tensor, uncertainty: Tensor, features: Tensor, offsets: Tensor, parts: Tensor) -> Tensor:
        """own (..., V), parts (..., n, V) -> (..., V), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        return (weights[..., None] + torch.cat([own[..., None, :], parts], dim=-2)).logsumexp(dim=-2)
