"""What both memories are rebuilt from: the shipped constants of a gate, and the surface class of every id."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lyceum.personas.tokens.surface import category


def gate(path: Path) -> dict[str, np.ndarray]:
    """A gate's constants, float32: "weight" (1 + parts, features), "size_weight" (guides, 2), `Recency`'s by name."""
    constants = json.loads(path.read_text(encoding="utf-8"))["constants"]
    return {name: np.array(value, np.float32) for name, value in constants.items()}


def surface_classes(vocabulary: Iterable[bytes]) -> np.ndarray:
    """The surface class of every id, (V,) uint16, numbered in the order of their first tokens."""
    classes: dict[tuple, int] = {}
    return np.array([classes.setdefault(category(token), len(classes)) for token in vocabulary], np.uint16)
