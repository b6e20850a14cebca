"""How a memory joins the model: the model and n parts of a memory, mixed by a linear gate.

Equations. For features f of a position (m of the memory, 3 of the model's uncertainty) and offsets o of the parts,

    s_i = o_i + W_i . f,       weight_i = softmax(s)_i,       p(w) = sum_i weight_i p_i(w)        (o_0 = 0: the model)

all in log space. An absent part has an offset of -1e4, and so no weight.

Theorem. If every part that has weight is a distribution, p is one.   Theorem. If features and offsets at a position
are functions of the past, so are the weights.

W is a constant of the persona, fitted once on text that neither model nor memory was made from
(`lyceum.experiments.memory_gate`): a gate fitted on text that one part has memorised would trust the wrong part. It
reads counts, distances and entropies, never words.

Sources: Jelinek & Mercer 1980 (interpolation on held-out text); Wolpert 1992 (cross-fitted mixtures); Neubig & Dyer
2016 (neural and counted mixtures).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import logsumexp


@dataclass(frozen=True, eq=False)
class Mixture:
    """weight: W (1 + n, m + 3) float32, a row for the model and for each part of the memory."""

    weight: np.ndarray = field(repr=False)

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Nothing is trained."""
        return {}

    def log_weights(self, uncertainty: np.ndarray, features: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """uncertainty (..., 3), features (..., m), offsets (..., n) -> log weights of all parts, (..., 1 + n)."""
        scores = np.concatenate([features, uncertainty], axis=-1) @ self.weight.T.astype(np.float64)
        scores[..., 1:] += offsets
        return scores - logsumexp(scores, axis=-1, keepdims=True)

    def log_prob(self, p, model_log_prob, uncertainty, features, offsets, parts) -> np.ndarray:
        """model_log_prob (...): log p(target); parts (..., n): the same of the memory's parts -> (...), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        return logsumexp(weights + np.concatenate([model_log_prob[..., None], parts], axis=-1), axis=-1)

    def log_probs(self, p, model_log_probs, uncertainty, features, offsets, parts) -> np.ndarray:
        """model_log_probs (..., V), parts (..., n, V) -> (..., V), nats."""
        weights = self.log_weights(uncertainty, features, offsets)
        log_probs = np.concatenate([model_log_probs[..., None, :], parts], axis=-2)
        return logsumexp(weights[..., None] + log_probs, axis=-2)
