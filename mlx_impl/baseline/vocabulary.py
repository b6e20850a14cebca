"""One table for both ends. Defined by `personas.baseline.vocabulary`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn


class TiedVocabulary(nn.Module):
    """ids -> vectors, and vectors -> log probabilities over the n_vocab ids."""

    def __init__(self, n_embd: int, n_vocab: int, n_rows: int):
        super().__init__()
        self.weight = mx.zeros((n_rows, n_embd))
        self.n_vocab = n_vocab

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> (B, T, n_embd)."""
        return self.weight[ids]

    def logits(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> (..., n_vocab)."""
        return x @ self.weight[: self.n_vocab].T

    def log_probs(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> (..., n_vocab), nats."""
        logits = self.logits(x)
        return logits - mx.logsumexp(logits, axis=-1, keepdims=True)

    def log_prob(self, x: mx.array, targets: mx.array) -> mx.array:
        """x (..., n_embd), targets (...) -> (...), nats."""
        return -nn.losses.cross_entropy(self.logits(x), targets)
