"""The tables of the memory: the text itself, surface class and coordinates of every id, and the constants of the gate.

A checkpoint holds them, 1.5 MB, instead of points and counts, which are made from them in two seconds. Those are sorted
integers, so they are the same on every machine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from lyceum.personas.euclid.memory.evidence import Evidence
from lyceum.personas.euclid.memory.neighbours import Space, integer_coordinates
from lyceum.personas.memory.gate import gate, surface_classes
from lyceum.personas.memory.recency import Recency
from lyceum.personas.tokens.neighbours import coordinates

UNCERTAINTY = ("row entropy", "entropy, columns at base rates", "greatest log p(row)")
GATE = Path(__file__).with_name("gate.json")


def tables(train_ids: np.ndarray, vocabulary: list[bytes]) -> dict[str, np.ndarray]:
    """The text (N,), the surface class (V,) and the coordinates (V, 16) of every id, and the gate."""
    # One thread: the sums, and so the coordinates, are the same on any number of cores.
    with threadpool_limits(1, "blas"):
        e = integer_coordinates(coordinates(train_ids, vocabulary), train_ids, Space().unit)
    text = {"text": np.asarray(train_ids, np.uint16), "surface_class": surface_classes(vocabulary), "coordinates": e}
    return text | gate(GATE)


def evidence(vocabulary, tables: dict[str, np.ndarray], *pieces: np.ndarray) -> Evidence:
    """The evidence of a text in pieces (N_i,). vocabulary: the plan's module, not used here."""
    wide = {name: value.astype(np.float64) for name, value in tables.items() if value.dtype == np.float32}
    texts, surface_class = tuple(piece.astype(np.int64) for piece in pieces), tables["surface_class"].astype(np.int64)
    return Evidence(texts, surface_class, wide["size_weight"], Recency.from_constants(wide), tables["coordinates"])
