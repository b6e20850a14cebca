"""The contexts of the training text that Euclid's memory finds nearest, and how far they are, lag by lag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.euclid.memory.evidence import Evidence
from lyceum.personas.euclid.memory.neighbours import Circles, contexts


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A point: its context (lags,), latest first, -1 before the text; the token after it; how often it is in the text.

    squares (lags,): the squared distance in each lag, whose sum is that of the point.
    """

    context: np.ndarray
    target: int
    count: int
    squares: np.ndarray


def nearest(evidence: Evidence, ids: np.ndarray, count: int) -> list[Neighbour]:
    """ids (T,) -> the nearest points of all circles of the last token, the nearest first; points alike count as one."""
    neighbours: dict[tuple[int, ...], Neighbour] = {}
    query = contexts(ids, len(evidence.space.lag_weights))[-1]
    for circles in evidence.circles:
        rows = circles.nearest(query[None])[0][0]
        rows = rows[rows >= 0]
        columns = np.concatenate([circles.contexts[:, rows], circles.targets[None, rows]]).T
        alike, first, counts = np.unique(columns, axis=0, return_index=True, return_counts=True)
        for point, row, times in zip(alike, rows[first], counts, strict=True):
            squares = squared(circles, query, circles.contexts[:, row])
            neighbours[tuple(point.tolist())] = Neighbour(point[:-1], int(point[-1]), int(times), squares)
    # Of equally near points those that are met more often come first, then those of lower ids.
    order = sorted(neighbours, key=lambda point: (neighbours[point].squares.sum(), -neighbours[point].count, point))
    return [neighbours[point] for point in order[:count]]


def squared(circles: Circles, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Contexts (lags,) -> w_l (U [x_l != x'_l] + |e(x_l) - e(x'_l)|^2), (lags,)."""
    space, apart = circles.space, circles.coordinates[one] - circles.coordinates[other]
    return np.array(space.lag_weights) * (space.unit * (one != other) + (apart**2).sum(-1))
