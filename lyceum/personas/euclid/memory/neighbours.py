"""The space of contexts: every context of the text is a point, and near points are found without an error.

Idea. A context is the tokens before a target, latest first; each lag has a space of its own, perpendicular to all
others, and in it a token stands at the vertex of a regular simplex (its identity) and, perpendicular to that again, at
its place among its kin (`lyceum.personas.tokens.neighbours`). So squared distances add (Pythagoras):

    |h - h'|^2 = sum_l w_l (U [x_l != x'_l] + |e(x_l) - e(x'_l)|^2),       w = 12, 12, 4, 2, 1;  U = 1024

with e in whole numbers, scaled so that U is also the mean of |e(x) - e(x')|^2 over tokens of the text. The circle of
lag l is all points that coincide with the query in lag l; its nearest are those with the least sum over other lags.

Theorems.
 1. Whole numbers below 2^24 add without rounding in float32, in any order: distances, and so neighbours, are the same
    on every machine, in every batch. Equally far points go by their place in the text.
 2. A partial distance never exceeds the whole, so pruning by it is exact: were lag l's weight W beyond the greatest sum
    of the others, W U alone would put every point outside the circle behind every point inside, and the nearest of all
    points would be those of the circle. So the search looks at nothing outside, and looks at all inside.

Cost. Points sorted by one token, once a lag: 0.3 s. A query costs its circle: 4,500 products on the mean in 302,000.
Sources: Elements I.47; Khandelwal et al. 2020 (kNN-LM); Friedman, Baskett & Shustek 1975 (partial distances).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WEIGHTS = np.array([12, 12, 4, 2, 1])
UNIT, LIMIT, AXES = 1024, 60, 16
NEAREST, HELD = 512, 2**21  # neighbours; distances in hand at a time


def corners(places: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """e: places (V, k) in whole numbers, on their AXES last axes, (V, AXES) int8. ids (N,): the text."""
    kept = places[:, -AXES:]
    spread = 2 * kept[ids].var(axis=0).sum()
    return np.clip(np.rint(kept * np.sqrt(UNIT / spread)), -LIMIT, LIMIT).astype(np.int8)


def contexts(ids: np.ndarray) -> np.ndarray:
    """ids (..., T) -> the context after every place, latest first, (..., T, lags) int32, -1 before the first."""
    length, found = ids.shape[-1], np.full((*ids.shape, len(WEIGHTS)), -1, np.int32)
    for lag in range(min(len(WEIGHTS), length)):
        found[..., lag:, lag] = ids[..., : length - lag]
    return found


@dataclass(frozen=True, eq=False)
class Circles:
    """The points of a text, those of one circle together: lag, from 0; e (V + 1, AXES) float32, 0 for -1.

    points (lags, N) int32 and values (N,), what followed, sorted by the token at the lag, then by place in the text;
    first (V + 1,): where each token's begin. keys (N, (lags - 1) AXES) float32: e of the other lags; squares (N,): the
    sum of their w |e|^2.
    """

    lag: int
    corner: np.ndarray
    points: np.ndarray
    values: np.ndarray
    first: np.ndarray
    keys: np.ndarray
    squares: np.ndarray

    @property
    def others(self) -> list[int]:
        return [lag for lag in range(len(WEIGHTS)) if lag != self.lag]

    def nearest(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """queries (Q, lags) -> the NEAREST of each query's circle: rows (Q, k), -1 where it has no more, distances."""
        rows = np.full((len(queries), NEAREST), -1)
        found = np.zeros((len(queries), NEAREST), np.int64)
        order = np.argsort(queries[:, self.lag], kind="stable")
        tokens, starts = np.unique(queries[order, self.lag], return_index=True)
        for token, group in zip(tokens, np.split(order, starts[1:]), strict=True):
            low, high = (0, 0) if token < 0 else self.first[token : token + 2]
            for part in _pieces(group, high - low):
                where, far = _least(self.distances(queries[part], slice(low, high)), NEAREST)
                rows[part, : where.shape[1]], found[part, : where.shape[1]] = low + where, far
        return rows, found

    def distances(self, queries: np.ndarray, circle: slice) -> np.ndarray:
        """The squared distances (Q, n) over the other lags, whole numbers in float32."""
        weights = np.repeat(WEIGHTS[self.others], self.corner.shape[1]).astype(np.float32)
        keys = np.concatenate([self.corner[queries[:, lag]] for lag in self.others], axis=1)
        distance = (-2 * weights * keys) @ self.keys[circle].T
        distance += self.squares[circle]
        distance += (weights * keys * keys).sum(1)[:, None]
        # Weights of lags that differ are small whole numbers: bytes until they meet the rest.
        differ = np.zeros(distance.shape, np.uint8)
        for lag in self.others:
            differ += np.uint8(WEIGHTS[lag]) * (queries[:, lag, None] != self.points[lag, circle]).view(np.uint8)
        distance += np.float32(UNIT) * differ
        return distance


def circles(pieces: tuple[np.ndarray, ...], corner: np.ndarray, lag: int) -> Circles:
    """The points of a text given in pieces (N_i,); no context crosses from one into another. corner (V, AXES) int8."""
    points = np.concatenate([contexts(piece[:-1]) for piece in pieces])
    values = np.concatenate([piece[1:] for piece in pieces])
    order = np.argsort(points[:, lag], kind="stable")
    points, values = np.ascontiguousarray(points[order].T), values[order]
    first = np.searchsorted(points[lag], np.arange(len(corner) + 1))
    known = np.vstack([corner, np.zeros_like(corner[:1])]).astype(np.float32)  # index -1 finds the last row
    others = [other for other in range(len(WEIGHTS)) if other != lag]
    keys = np.concatenate([known[points[other]] for other in others], axis=1)
    squares = sum(WEIGHTS[other] * (known[points[other]] ** 2).sum(1) for other in others)
    return Circles(lag, known, points, values, first, keys, squares.astype(np.float32))


def _pieces(group: np.ndarray, size: int) -> list[np.ndarray]:
    """A group of queries in pieces whose distances to `size` points can be held at once; none if `size` is 0."""
    step = max(1, HELD // size) if size else 0
    return [group[i : i + step] for i in range(0, len(group), step)] if size else []


def _least(distance: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(where, how far) the `count` least of each row are, of equal ones the first; all, if there are no more."""
    # Distance above, place below, in one whole number: a partition of those knows no ties.
    both = distance.astype(np.int64) << 32 | np.arange(distance.shape[1])
    if distance.shape[1] > count:
        both = np.partition(both, count - 1, axis=1)[:, :count]
    return both & 0xFFFFFFFF, both >> 32
