"""A memory: the model and the parts of a memory, mixed by a gate. Reference: `lyceum.personas.memory.mixture`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.memory import mixture as reference
from mlx_impl.registry import implements


@implements(reference.Mixture)
class Mixture(nn.Module):
    """The model's log probabilities and the evidence -> those of the mixture."""

    def __init__(self, weight):
        super().__init__()
        # A constant of the plan: no part of the memory is trained.
        self._weight = mx.array(weight)

    def log_weights(self, uncertainty: mx.array, features: mx.array, offsets: mx.array) -> mx.array:
        """uncertainty (..., 3), features (..., m), offsets (..., n) -> log weights of all parts, (..., 1 + n)."""
        scores = mx.concatenate([features, uncertainty], axis=-1) @ self._weight.astype(features.dtype).T
        scores = mx.concatenate([scores[..., :1], scores[..., 1:] + offsets], axis=-1)
        return scores - mx.logsumexp(scores, axis=-1, keepdims=True)

    def log_prob(
        self, model_log_prob: mx.array, uncertainty: mx.array, features: mx.array, offsets: mx.array, parts: mx.array
    ) -> mx.array:
        """model_log_prob (...): log p(target); parts (..., n): the same of the memory's parts -> (...), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        return mx.logsumexp(weights + mx.concatenate([model_log_prob[..., None], parts], axis=-1), axis=-1)

    def log_probs(
        self, model_log_probs: mx.array, uncertainty: mx.array, features: mx.array, offsets: mx.array, parts: mx.array
    ) -> mx.array:
        """model_log_probs (..., V), parts (..., n, V) -> (..., V), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        log_probs = mx.concatenate([model_log_probs[..., None, :], parts], axis=-2)
        return mx.logsumexp(weights[..., None] + log_probs, axis=-2)
