"""The categories: a tree over the vocabulary, by halves.

A set of tokens is cut at the median along the principal axis of their places (`lyceum.personas.tokens.neighbours`), into "has it"
and "lacks it", ten times over. Every genus of a level holds the same number of tokens within one, so a path costs the
same whatever the token. Projections are rounded to six digits before sorting, ties break by id.

Prepared once, in NumPy, and shared by both backends; the layer that uses it is `lyceum.personas.aristotle.tokenize`.
Source: Brown et al. 1992 (class models).
"""

from __future__ import annotations

import numpy as np


def divide(places: np.ndarray, weight: np.ndarray, depth: int) -> list[np.ndarray]:
    """Halve the tokens `depth` times along principal axes: 2^depth groups of ids, ascending within a group.

    places (V, k), weight (V,) of each token in the axes. Sizes within one level differ by at most one.
    """
    groups = [np.arange(len(places))]
    for _ in range(depth):
        groups = [half for group in groups for half in _halve(group, places[group], weight[group])]
    return groups


def _halve(group: np.ndarray, places: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centred = places - np.average(places, axis=0, weights=weight)
    _, axes = np.linalg.eigh((centred * weight[:, None]).T @ centred)
    axis = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    order = np.argsort(np.round(centred @ axis, 6), kind="stable")
    middle = (len(group) + 1) // 2
    return np.sort(group[order[:middle]]), np.sort(group[order[middle:]])
