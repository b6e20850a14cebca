"""The tables of the memory: the text itself, the surface class of every id, and the constants of the gate.

A checkpoint holds them, 0.7 MB, instead of the counts, which are made from them in a second. Counts are sorted
integers, so they are the same on every machine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lyceum.personas.aristotle.memory.evidence import Evidence
from lyceum.personas.aristotle.tokenize import CategoryTree
from lyceum.personas.memory.gate import gate, surface_classes
from lyceum.personas.memory.recency import Recency

UNCERTAINTY = ("genus entropy", "species entropy", "greatest log p(species)")
GATE = Path(__file__).with_name("gate.json")


def tables(train_ids: np.ndarray, vocabulary: list[bytes]) -> dict[str, np.ndarray]:
    """The text itself (N,), the surface class of every id (V,) and the gate."""
    return {"text": np.asarray(train_ids, np.uint16), "surface_class": surface_classes(vocabulary)} | gate(GATE)


def evidence(tree: CategoryTree, tables: dict[str, np.ndarray], *pieces: np.ndarray) -> Evidence:
    """The evidence of a text in pieces (N_i,), with the categories of `tree`, surface classes and gate of `tables`."""
    width, leaf = tree.shape[2], tree.leaf.astype(np.int64)
    readings = np.stack([np.arange(len(leaf)), leaf // width, leaf // (width * tree.shape[1])])
    wide = {name: value.astype(np.float64) for name, value in tables.items() if value.dtype == np.float32}
    texts = tuple(piece.astype(np.int64) for piece in pieces)
    return Evidence(
        texts, tables["surface_class"].astype(np.int64), wide["size_weight"], Recency.from_constants(wide), readings
    )
