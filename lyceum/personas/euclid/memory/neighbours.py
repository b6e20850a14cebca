"""The space of contexts: every context of the text is a point, and the search for near points is exact.

Idea. A context is the tokens before a target, latest first; each lag has a space for itself, perpendicular to all
others. In it a token is at the vertex of a regular simplex (its identity) and, perpendicular to that again, at its
coordinates e (`lyceum.personas.tokens.neighbours`). So squared distances add (Pythagoras):

    |h - h'|^2 = sum_l w_l (U [x_l != x'_l] + |e(x_l) - e(x'_l)|^2),       w = 12, 12, 4, 2, 1;  U = 1024

with integer e, scaled so that U is also the mean of |e(x) - e(x')|^2 over tokens of the text. The circle of lag l is
the set of points that coincide with the query in lag l; its nearest are those with the least sum over other lags.

Theorems.
 1. Integers below 2^24 add without rounding in float32, in any order: distances, and so neighbours, are the same on
    every machine, in every batch. Of equally far points the earlier in the text comes first.
 2. A partial distance never exceeds the full one, so pruning by it is exact: if lag l's weight W were beyond the
    greatest sum of the others, W U alone would put every point outside the circle behind every point inside, and the
    nearest of all points would be those of the circle. So the search reads all points inside and none outside.

Cost. Points sorted by one token, once a lag: 0.3 s. A query costs its circle: 4,500 products on the mean in 302,000.
Sources: Elements I.47; Khandelwal et al. 2020 (kNN-LM); Friedman, Baskett & Shustek 1975 (partial distances).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AXES, LIMIT = 16, 60  # how many coordinates a token has, and the bound of each
AT_ONCE = 2**21  # how many distances are computed at a time


@dataclass(frozen=True)
class Space:
    """lag_weights: w, latest lag first. unit: U. nearest: how many points of a circle are neighbours."""

    lag_weights: tuple[int, ...] = (12, 12, 4, 2, 1)
    unit: int = 1024
    nearest: int = 512


def integer_coordinates(coordinates: np.ndarray, ids: np.ndarray, unit: int) -> np.ndarray:
    """e (V, AXES) int8: coordinates (V, k) on their AXES last axes, scaled by the text ids (N,), and rounded."""
    last = coordinates[:, -AXES:]
    mean_square = 2 * last[ids].var(axis=0).sum()
    return np.clip(np.rint(last * np.sqrt(unit / mean_square)), -LIMIT, LIMIT).astype(np.int8)


def contexts(ids: np.ndarray, lags: int) -> np.ndarray:
    """ids (..., T) -> the context after every token, latest first, (..., T, lags) int32, -1 before the first token."""
    length, rows = ids.shape[-1], np.full((*ids.shape, lags), -1, np.int32)
    for lag in range(min(lags, length)):
        rows[..., lag:, lag] = ids[..., : length - lag]
    return rows


@dataclass(frozen=True, eq=False)
class Circles:
    """The points of a text, sorted by circle. lag: from 0. coordinates (V + 1, AXES) float32: e, and 0 for id -1.

    contexts (lags, N) int32: sorted by the token at the lag, then by position in the text; targets (N,): the tokens
    that follow them; first (V + 1,): where each token's circle begins. keys (N, (lags - 1) AXES) float32: e of
    the other lags; squares (N,): the sum of their w |e|^2.
    """

    space: Space
    lag: int
    coordinates: np.ndarray
    contexts: np.ndarray
    targets: np.ndarray
    first: np.ndarray
    keys: np.ndarray
    squares: np.ndarray

    @property
    def others(self) -> list[int]:
        return _others(self.space, self.lag)

    def nearest(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """queries (Q, lags) -> rows of each query's nearest, -1 beyond its circle, and their distances, (Q, k) each."""
        count = self.space.nearest
        rows = np.full((len(queries), count), -1)
        distances = np.zeros((len(queries), count), np.int64)
        order = np.argsort(queries[:, self.lag], kind="stable")
        tokens, starts = np.unique(queries[order, self.lag], return_index=True)
        for token, group in zip(tokens, np.split(order, starts[1:]), strict=True):
            low, high = (0, 0) if token < 0 else self.first[token : token + 2]
            for part in _batches(group, high - low):
                index, distance = _least(self.distances(queries[part], slice(low, high)), count)
                rows[part, : index.shape[1]], distances[part, : index.shape[1]] = low + index, distance
        return rows, distances

    def distances(self, queries: np.ndarray, circle: slice) -> np.ndarray:
        """The squared distances (Q, n) over the other lags, integers in float32."""
        lag_weights = self.space.lag_weights
        weights = np.repeat([lag_weights[lag] for lag in self.others], self.coordinates.shape[1]).astype(np.float32)
        keys = np.concatenate([self.coordinates[queries[:, lag]] for lag in self.others], axis=1)
        distance = (-2 * weights * keys) @ self.keys[circle].T
        distance += self.squares[circle]
        distance += (weights * keys * keys).sum(1)[:, None]
        # The weights of the lags that differ add up to little: bytes, until they are added to the rest.
        differ = np.zeros(distance.shape, np.uint8)
        for lag in self.others:
            unequal = queries[:, lag, None] != self.contexts[lag, circle]
            differ += np.uint8(lag_weights[lag]) * unequal.view(np.uint8)
        distance += np.float32(self.space.unit) * differ
        return distance


def circles(pieces: tuple[np.ndarray, ...], coordinates: np.ndarray, lag: int, space: Space) -> Circles:
    """The points of a text in pieces (N_i,); no context crosses from one piece into another. coordinates (V, AXES)."""
    rows = np.concatenate([contexts(piece[:-1], len(space.lag_weights)) for piece in pieces])
    targets = np.concatenate([piece[1:] for piece in pieces])
    order = np.argsort(rows[:, lag], kind="stable")
    rows, targets = np.ascontiguousarray(rows[order].T), targets[order]
    first = np.searchsorted(rows[lag], np.arange(len(coordinates) + 1))
    e = np.vstack([coordinates, np.zeros_like(coordinates[:1])]).astype(np.float32)  # id -1 reads the last row
    others = _others(space, lag)
    keys = np.concatenate([e[rows[other]] for other in others], axis=1)
    squares = sum(space.lag_weights[other] * (e[rows[other]] ** 2).sum(1) for other in others)
    return Circles(space, lag, e, rows, targets, first, keys, squares.astype(np.float32))


def _others(space: Space, lag: int) -> list[int]:
    return [other for other in range(len(space.lag_weights)) if other != lag]


def _batches(group: np.ndarray, size: int) -> list[np.ndarray]:
    """A group of queries in parts with at most AT_ONCE distances to `size` points; no part if `size` is 0."""
    step = max(1, AT_ONCE // size) if size else 0
    return [group[i : i + step] for i in range(0, len(group), step)] if size else []


def _least(distance: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(index, distance) of the `count` least of each row, of equal ones the first; of all, if there are no more."""
    # One integer holds distance and index, so that no two are equal and any partition gives the same set.
    both = distance.astype(np.int64) << 32 | np.arange(distance.shape[1])
    if distance.shape[1] > count:
        both = np.partition(both, count - 1, axis=1)[:, :count]
    return both & 0xFFFFFFFF, both >> 32
