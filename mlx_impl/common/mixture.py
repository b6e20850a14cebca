"""A memory: the model and what the text recalls, mixed by a gate. Defined by `lyceum.personas.memory.mixture`."""

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
        # A constant of the plan: nothing of the memory is trained with the model.
        self._weight = mx.array(weight)

    def log_weights(self, uncertainty: mx.array, features: mx.array, offsets: mx.array) -> mx.array:
        """uncertainty (..., 3), features (..., m), offsets (..., n) -> log weights of all parts, (..., 1 + n)."""
        scores = mx.concatenate([features, uncertainty], axis=-1) @ self._weight.astype(features.dtype).T
        scores = mx.concatenate([scores[..., :1], scores[..., 1:] + offsets], axis=-1)
        return scores - mx.logsumexp(scores, axis=-1, keepdims=True)

    def log_prob(
        self, own: mx.array, uncertainty: mx.array, features: mx.array, offsets: mx.array, parts: mx.array
    ) -> mx.array:
        """own (...): the model's log p(target); parts (..., n): those of the memory's parts -> (...), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        return mx.logsumexp(weights + mx.concatenate([own[..., None], parts], axis=-1), axis=-1)

    def log_probs(
        self, own: mx.array, uncertainty: mx.array, features: mx.array, offsets: mx.array, parts: mx.array
    ) -> mx.array:
        """own (..., V), parts (..., n, V) -> (..., V), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        return mx.logsumexp(weights[..., None] + mx.concatenate([own[..., None, :], parts], axis=-2), axis=-2)
