"""The shape of the binary tree as tables, computed once for both backends.

Heap order: the children of node j are 2j + 1 (has the differentia of j) and 2j + 2 (lacks it).
"""

from __future__ import annotations

import numpy as np


def ways(depth: int) -> np.ndarray:
    """(2 inner, nodes) float32: 1 where an answer is on the way to a node; rows: all "has", then all "lacks"."""
    inner = 2**depth - 1
    way = np.zeros((2 * inner, 2 * inner + 1), np.float32)
    for j in range(inner):
        for child, answer in ((2 * j + 1, j), (2 * j + 2, inner + j)):
            way[:, child] = way[:, j]
            way[answer, child] = 1
    return way


def sides(depth: int) -> np.ndarray:
    """(inner, species) integers: 1 where "has" leads to a species, -1 where "lacks" does, 0 off its path."""
    has, lacks = np.split(ways(depth)[:, 2**depth - 1 :].astype(int), 2)
    return has - lacks


def paths(depth: int) -> np.ndarray:
    """(species, depth + 1) integers: the nodes from the root to each species."""
    species = np.arange(2**depth, 2 ** (depth + 1))  # counted from 1, the parent of n is n // 2
    return (species[:, None] >> np.arange(depth, -1, -1)) - 1
