"""The theorems of E17, vertices, edges, faces (`lyceum.personas.euclid.topology`)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from lyceum.personas.properties.rotations import exact_rotation
from lyceum.personas.spec.case import Theorem, representable


def solids() -> dict[tuple[int, int, int], np.ndarray]:
    """The vertices (V, 3) of the three solids with triangles for faces, by V, E and F."""
    golden = (1 + np.sqrt(5)) / 2
    corners = np.array([[0, s, t * golden] for s in (1, -1) for t in (1, -1)])
    return {
        (4, 6, 4): np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]),
        (6, 12, 8): np.concatenate([np.eye(3), -np.eye(3)]),
        (12, 30, 20): np.concatenate([np.roll(corners, i, axis=1) for i in range(3)]),
    }


def simplices(vectors: np.ndarray, limit: float) -> list[int]:
    """V, E and F of the Rips complex whose edges have a squared length below `limit`, counted one by one."""
    n, joined = len(vectors), ((vectors[:, None] - vectors) ** 2).sum(-1) < limit
    edges = sum(joined[pair] for pair in combinations(range(n), 2))
    faces = sum(joined[i, j] and joined[j, k] and joined[i, k] for i, j, k in combinations(range(n), 3))
    return [n, edges, faces]


def band(vectors: np.ndarray) -> tuple[float, float, float]:
    """The widest gap between the squared distances of the middle: its middle, that as a share, and a band within it."""
    square = ((vectors[:, None] - vectors) ** 2).sum(-1)[np.triu_indices(len(vectors), 1)]
    middle = np.sort(square)[len(square) // 4 : 3 * len(square) // 4]
    i = np.diff(middle).argmax()
    limit = middle[[i, i + 1]].mean()
    return limit, limit / square.mean(), (middle[i + 1] - middle[i]) / (2 * limit)


def theorems(characteristic: Callable[..., Any], batch: Callable[[np.random.Generator], tuple]) -> tuple[Theorem, ...]:
    """characteristic: the reference, by its fields. batch: generator -> arguments of `losses`, with every = 2."""
    narrow = characteristic(share=1.15, width=0.2)  # between the edges of a solid and its longer distances

    def counts(evaluate, spec: Any, vectors: np.ndarray) -> np.ndarray:
        return evaluate(spec, {}, "counts", representable(vectors), np.arange(len(vectors), dtype=np.int32))

    def _count(evaluate, g):
        vectors = representable(g.normal(size=(12, 4)))
        limit, share, width = band(vectors)
        return counts(evaluate, characteristic(share=share, width=width), vectors), np.array(simplices(vectors, limit))

    def _solids(evaluate, g):
        turn = np.linalg.qr(g.normal(size=(3, 3)))[0]
        left = [counts(evaluate, narrow, vertices @ turn + g.normal(size=3)) for vertices in solids().values()]
        return np.concatenate(left), np.ravel(list(solids()))

    def _line(evaluate, g):
        n, reach, along = int(g.integers(7, 14)), g.choice([1.5, 2.5]), g.normal(size=4)
        steps, angle = np.arange(n), 2 * np.pi / n
        line = steps[:, None] * along / np.linalg.norm(along)
        ring = np.stack([np.cos(angle * steps), np.sin(angle * steps)], axis=1) / (2 * np.sin(angle / 2))
        values = []
        for figure, limit in ((line, reach), (ring, 1.3)):
            mean = ((figure[:, None] - figure) ** 2).sum() / (n * (n - 1))
            v, e, f = counts(evaluate, characteristic(share=limit**2 / mean, width=0.2), figure)
            values.append(v - e + f)
        return np.array(values), np.array([1, 0])

    def _isometry(evaluate, g):
        vectors = np.round(64 * g.normal(size=(12, 4))) / 64  # so that moving them rounds nothing
        moved = vectors @ exact_rotation(g, 1).T + g.integers(-3, 4, size=4)
        return tuple(counts(evaluate, characteristic(), figure) for figure in (moved, vectors))

    def _scale(evaluate, g):
        vectors, *arguments = batch(g)
        vectors = representable(vectors)
        spec = characteristic(every=2)
        return tuple(evaluate(spec, {}, "losses", factor * vectors, *arguments) for factor in (2.0, 1.0))

    return (
        Theorem("topology: count", "V, E, F are those of the Rips complex", _count, length=0, exact=True),
        Theorem("topology: solids", "V - E + F = 2 for the solids of triangles", _solids, length=0, exact=True),
        Theorem("topology: line and ring", "V - E + F is 1 for a line, 0 for a ring", _line, length=0, exact=True),
        Theorem("topology: moved figure", "Q v + t has the same V, E, F", _isometry, length=64),
        Theorem("topology: similar figure", "2 v has the same loss", _scale, length=0, exact=True),
    )
