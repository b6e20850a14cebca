"""The tied vocabulary: one table embeds the tokens and scores them.

Equations.  embed(w) = E_w;  log p(w | x) = E_w . x - log sum_{v < V} exp(E_v . x),  V = 50,257.

The table has 50,304 rows, as many as the contract's model, a multiple of 64. The rows from V on are never read: they
belong to no token, and without them p is a proper distribution over the V ids. (In the contract's model they enter the
normaliser; they start with a share of 47 / 50,304, that is 0.0009 nats, and training drives it to 0.)

Theorem.  sum_{w < V} p(w | x) = 1 for every x.

Cost: 50,304 d parameters; O(V d) for one target's loss as for the whole distribution. Source: Press & Wolf 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import logsumexp

from lyceum.personas.spec import tiny
from lyceum.personas.spec.case import Case, Theorem, representable


@dataclass(frozen=True)
class TiedVocabulary:
    """n_embd: the width d. n_vocab: the ids V. n_rows: the rows of the table, >= V. LOGITS: those of a token."""

    LOGITS: ClassVar = ("token",)

    n_embd: int
    n_vocab: int = 50_257
    n_rows: int = 50_304

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"weight": (n_rows, d)}, normal with deviation 0.02."""
        return {"weight": stream.normal(0, 0.02, (self.n_rows, self.n_embd))}

    def with_tiny_vocabulary(self) -> TiedVocabulary:
        """The same class for the tiny vocabulary of `lyceum.personas.spec.tiny`."""
        return TiedVocabulary(self.n_embd, tiny.N_VOCAB, 128)

    def embed(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> (B, T, d) float64."""
        return p["weight"][ids]

    def log_probs(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> log p(w | x) for every id, (..., V), nats."""
        logits = x @ p["weight"][: self.n_vocab].T
        return logits - logsumexp(logits, axis=-1, keepdims=True)

    def log_prob(self, p: dict[str, np.ndarray], x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """x (..., d), targets (...) -> log p(target | x), (...), nats."""
        return np.take_along_axis(self.log_probs(p, x), targets[..., None], axis=-1)[..., 0]

    def directions(self, p: dict[str, np.ndarray], targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """targets (...) -> vectors (..., 1, d) and constants (..., 1): LOGITS are vector . x + constant."""
        return p["weight"][targets][..., None, :], np.zeros((*targets.shape, 1))


NARROW = TiedVocabulary(8, n_vocab=37, n_rows=40)


def _targets(g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return g.normal(size=(2, 5, 8)), g.integers(0, 37, size=(2, 5)).astype(np.int32)


CASES = (
    Case("vocabulary: embed, ids repeated", NARROW, lambda g: (g.integers(0, 9, (3, 7)).astype(np.int32),), "embed"),
    Case("vocabulary: log_prob", NARROW, _targets, "log_prob"),
    Case("vocabulary: log_probs", NARROW, lambda g: (g.normal(size=(2, 3, 8)),), "log_probs"),
    Case("vocabulary: large logits", NARROW, lambda g: (30 * g.normal(size=(1, 3, 8)),), "log_probs"),
)


def _total(evaluate, g):
    spec = TiedVocabulary(8)
    p = {"weight": representable(g.normal(size=(spec.n_rows, 8)))}
    total = np.exp(evaluate(spec, p, "log_probs", representable(g.normal(size=(1, 3, 8))))).sum(-1)
    return total, np.ones_like(total)


THEOREMS = (Theorem("vocabulary: total", "the probabilities of all V ids sum to 1", _total, length=50_257),)
