"""A memory: the model and the parts of a memory, mixed by a gate. Reference: `lyceum.personas.memory.mixture`."""

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
        # A constant of the plan: no part of the memory is trained.
        self.register_buffer("weight", torch.from_numpy(weight), persistent=False)

    def log_weights(self, uncertainty: Tensor, features: Tensor, offsets: Tensor) -> Tensor:
        """uncertainty (..., 3), features (..., m), offsets (..., n) -> log weights of all parts, (..., 1 + n)."""
        scores = torch.cat([features, uncertainty], dim=-1) @ self.weight.to(features.dtype).T
        scores = torch.cat([scores[..., :1], scores[..., 1:] + offsets], dim=-1)
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(
        self, model_log_prob: Tensor, uncertainty: Tensor, features: Tensor, offsets: Tensor, parts: Tensor
    ) -> Tensor:
        """model_log_prob (...): log p(target); parts (..., n): the same of the memory's parts -> (...), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        return (weights + torch.cat([model_log_prob[..., None], parts], dim=-1)).logsumexp(dim=-1)

    def log_probs(
        self, model_log_probs: Tensor, uncertainty: Tensor, features: Tensor, offsets: Tensor, parts: Tensor
    ) -> Tensor:
        """model_log_probs (..., V), parts (..., n, V) -> (..., V), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        log_probs = torch.cat([model_log_probs[..., None, :], parts], dim=-2)
        return (weights[..., None] + log_probs).logsumexp(dim=-2)
