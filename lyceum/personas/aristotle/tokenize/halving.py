"""The tree of categories, made by halving the vocabulary.

A set of tokens is cut at the median along the principal axis of their vectors (`lyceum.personas.tokens.neighbours`),
into "has it" and "lacks it", ten times over. All groups of a level have the same number of tokens within one, so every
path costs the same. Projections are rounded to six digits before sorting, ties break by id.

It is computed once, in NumPy, for both backends; `lyceum.personas.aristotle.tokenize` uses it.
Source: Brown et al. 1992 (class models).
"""

from __future__ import annotations

import numpy as np


def divide(vectors: np.ndarray, weight: np.ndarray, depth: int) -> list[np.ndarray]:
    """Halve the tokens `depth` times along principal axes: 2^depth groups of ids, ascending within a group.

    vectors (V, k) of the tokens, weight (V,) of each in the axes. Sizes within one level differ by at most one.
    """
    groups = [np.arange(len(vectors))]
    for _ in range(depth):
        groups = [half for group in groups for half in _halve(group, vectors[group], weight[group])]
    return groups


def _halve(group: np.ndarray, vectors: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centred = vectors - np.average(vectors, axis=0, weights=weight)
    _, axes = np.linalg.eigh((centred * weight[:, None]).T @ centred)
    axis = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    order = np.argsort(np.round(centred @ axis, 6), kind="stable")
    middle = (len(group) + 1) // 2
    return np.sort(group[order[:middle]]), np.sort(group[order[middle:]])
