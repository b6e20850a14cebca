"""What tiny models are made of: 97 ids, and a text of 4,000 of them, on which a full training run takes seconds.

Each system with tables makes tiny ones of these (`System.tiny_tables`), beside its real ones; a vocabulary whose size
does not come from tables has a method `with_tiny_vocabulary`. The text is a Markov chain with Zipf-like probabilities,
so that there is something to learn.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from lyceum.rng import stream

N_VOCAB, N_TRAIN, N_VAL = 97, 4000, 500


@cache
def text() -> tuple[np.ndarray, np.ndarray]:
    """(4,000 training ids, 500 validation ids), uint16."""
    generator = stream(0, "tiny-corpus")
    likely = 1 / np.arange(1, N_VOCAB + 1)
    successors = np.stack([generator.permutation(N_VOCAB) for _ in range(N_VOCAB)])
    ranks = generator.choice(N_VOCAB, size=N_TRAIN + N_VAL, p=likely / likely.sum())
    ids = np.zeros(N_TRAIN + N_VAL, np.uint16)
    for i in range(1, len(ids)):
        ids[i] = successors[ids[i - 1], ranks[i]]
    return ids[:N_TRAIN], ids[N_TRAIN:]


def memory_tables() -> dict[str, np.ndarray]:
    """The tables of a memory: the training text, and a surface class for every id."""
    return {"text": text()[0], "surface_class": (np.arange(N_VOCAB) % 5).astype(np.uint16)}
