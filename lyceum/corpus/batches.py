"""Seeded batches: the same for every persona and both backends.

Training and validation batches come from two separate streams. A training batch is addressed by the run's seed and
the iteration; a validation batch by its number alone, under one constant seed, so that the 101 validation batches are
the same ones in every run and the differences between runs are paired.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lyceum.rng import stream

VALIDATION_SEED = 0


def windows(tokens: np.ndarray, starts: np.ndarray, block_size: int) -> tuple[np.ndarray, np.ndarray]:
    """The blocks of `tokens` that begin at `starts` (B,), and their targets, one token later.

    Returns (ids, targets), int32 (B, block_size) each.
    """
    block = tokens[starts[:, None] + np.arange(block_size + 1)].astype(np.int32)
    return block[:, :-1], block[:, 1:]


def _random_batch(tokens: np.ndarray, generator: np.random.Generator, batch_size: int, block_size: int):
    starts = generator.integers(0, len(tokens) - block_size, size=batch_size)
    return windows(tokens, starts, block_size)


def train_batch(corpus, seed: int, step: int, batch_size: int, block_size: int) -> tuple[np.ndarray, np.ndarray]:
    """The training batch of iteration `step`: (ids, targets), int32 (B, T) each, starts uniform over the split."""
    return _random_batch(corpus.train, stream(seed, "train-batch", step), batch_size, block_size)


def val_batch(corpus, index: int, batch_size: int, block_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Validation batch number `index`: (ids, targets), int32 (B, T) each, independent of the run's seed."""
    return _random_batch(corpus.val, stream(VALIDATION_SEED, "val-batch", index), batch_size, block_size)


def val_blocks(corpus, batch_size: int, block_size: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """All of the validation split in consecutive blocks, as batches of one shape.

    Yields (ids, targets, weight): int32, int32, float32, (B, T) each. Every token but the first is a target exactly
    once with weight 1; padding of the last block and the last batch has id 0 and weight 0. (Padding comes after the
    real tokens, so a causal model's losses of real tokens do not depend on it.)
    """
    n_targets = len(corpus.val) - 1
    n_blocks = -(-n_targets // block_size)
    n_rows = -(-n_blocks // batch_size) * batch_size
    padded = np.zeros(n_rows * block_size + 1, dtype=np.int32)
    padded[: n_targets + 1] = corpus.val
    ids, targets = windows(padded, np.arange(n_rows) * block_size, block_size)
    weight = (np.arange(n_rows * block_size) < n_targets).astype(np.float32).reshape(n_rows, block_size)
    for row in range(0, n_rows, batch_size):
        rows = slice(row, row + batch_size)
        yield ids[rows], targets[rows], weight[rows]
