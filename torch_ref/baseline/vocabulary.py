"""The tied vocabulary: one table embeds and scores. Reference: `lyceum.personas.baseline.vocabulary`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.baseline import vocabulary as reference
from torch_ref.registry import implements


@implements(reference.TiedVocabulary)
class TiedVocabulary(nn.Module):
    """ids -> vectors, and vectors -> log probabilities over the n_vocab ids."""

    def __init__(self, n_embd: int, n_vocab: int, n_rows: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_rows, n_embd))
        self.n_vocab = n_vocab

    def embed(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> (B, T, n_embd)."""
        return F.embedding(ids, self.weight)

    def logits(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> (..., n_vocab)."""
        return F.linear(x, self.weight[: self.n_vocab])

    def log_probs(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> (..., n_vocab), nats."""
        return F.log_softmax(self.logits(x), dim=-1)

    def log_prob(self, x: Tensor, targets: Tensor) -> Tensor:
        """x (..., n_embd), targets (...) -> (...), nats."""
        flat = F.cross_entropy(self.logits(x).flatten(0, -2), targets.flatten(), reduction="none")
        return -flat.view(targets.shape)

    def directions(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """targets (...) -> vectors (..., 1, d) and constants (..., 1): LOGITS are vector . x + constant."""
        return F.embedding(targets, self.weight)[..., None, :], self.weight.new_zeros(*targets.shape, 1)
