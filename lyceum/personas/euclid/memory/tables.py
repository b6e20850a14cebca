"""What a memory is rebuilt from: the text itself, kind and place of every id, and the constants of the gate.

A checkpoint carries them, 1.5 MB, instead of points and counts, which are made from them again in two seconds and are
the same wherever they are made: whole numbers, sorted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from lyceum.personas.euclid.memory.evidence import Evidence
from lyceum.personas.euclid.memory.neighbours import corners
from lyceum.personas.memory.gate import gate, surface_classes
from lyceum.personas.memory.recency import Recency
from lyceum.personas.tokens.neighbours import coordinates

UNCERTAINTY = ("row entropy", "entropy, columns at base rates", "greatest log p(row)")
GATE = Path(__file__).with_name("gate.json")


def tables(train_ids: np.ndarray, vocabulary: list[bytes]) -> dict[str, np.ndarray]:
    """The text (N,), surface class (V,) and place (V, 16) of every id, and the gate."""
    # One thread: the same sums and so the same places on any number of cores.
    with threadpool_limits(1, "blas"):
        corner = corners(coordinates(train_ids, vocabulary), train_ids)
    return {
        "text": np.asarray(train_ids, np.uint16),
        "surface_class": surface_classes(vocabulary),
        "corner": corner,
    } | gate(GATE)


def evidence(vocabulary, tables: dict[str, np.ndarray], *pieces: np.ndarray) -> Evidence:
    """The evidence of a text, given in pieces (N_i,). vocabulary: the plan's layer, which it does not need."""
    wide = {name: value.astype(np.float64) for name, value in tables.items() if value.dtype == np.float32}
    texts = tuple(piece.astype(np.int64) for piece in pieces)
    return Evidence(
        texts,
        tables["surface_class"].astype(np.int64),
        wide["size_weight"],
        Recency.from_constants(wide),
        tables["corner"],
    )
