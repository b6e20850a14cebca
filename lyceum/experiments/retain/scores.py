"""Scores of the first text: gradients of log p(y | x), by parameter, for targets y that the model draws itself.

Contexts x are training batches of the run. In each block every eighth part has one position, at a random offset, whose
target is drawn from the model's law there by inversion; the scores of a batch are summed. The law is that of the model
alone, without a memory, as in training. All is addressed by the run's seed, so that it can be done again.

With the targets of the text instead, every position has a score: the sum is the gradient of the batch's log-likelihood.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lyceum.corpus.batches import train_batch
from lyceum.rng import stream
from lyceum.training.job import Job

BATCHES, POSITIONS = 256, 8


def tokens(job: Job, from_text: bool = False) -> int:
    """How many tokens' scores are summed."""
    return job.fixed.batch_size * (job.fixed.block_size if from_text else POSITIONS)


def scores(job: Job, batches: int = BATCHES, *, from_text: bool = False) -> Iterator[dict[str, np.ndarray]]:
    """The summed scores of each batch, by parameter. from_text: for the targets of the text."""
    rows, length = job.fixed.batch_size, job.fixed.block_size
    for index in range(batches):
        ids, following = train_batch(job.corpus, job.seed, index, rows, length)
        if from_text:
            yield job.trainer.gradients(ids, following, np.ones(ids.shape, np.float32))
            continue
        generator = stream(job.seed, "retain", index)
        distance = length // POSITIONS
        positions = generator.integers(distance) + distance * np.arange(POSITIONS)
        targets, weight = np.zeros_like(ids), np.zeros(ids.shape, np.float32)
        laws = job.trainer.laws(ids, positions)
        targets[:, positions], weight[:, positions] = drawn(laws, generator.random(laws.shape[:2])), 1
        yield job.trainer.gradients(ids, targets, weight)


def drawn(log_probs: np.ndarray, variates: np.ndarray) -> np.ndarray:
    """log_probs (..., V), uniform variates (...) -> the ids at these quantiles, (...)."""
    cumulative = np.exp(log_probs, dtype=np.float64).cumsum(-1)
    return (cumulative <= variates[..., None] * cumulative[..., -1:]).sum(-1)
