"""Going on: how a layer that acts over time takes a text piece by piece, and the theorems that it may.

    start(batch) -> cache                                of a text that has not begun: a tuple of arrays
    step(*cache, x, *rotation) -> (*cache, y)            mixers: n new tokens, x and y (B, n, d)
    step(*cache, x, ids) -> (*cache, x, *rotation)       position layers

Theorem (causality). What comes later changes nothing before it.

Theorem (continuation). A text cut into pieces anywhere and taken piece by piece gives what it gives as a whole. It is
causality and more: what a layer has computed for a place is never computed again, so all that later places need of it
must stand in the cache.

What a cache holds, in numbers: baseline attention 2 d a token (keys, values); the syllogism 3 d (middle terms too, each
of them causal); the organon 24 and one x (d); a projection 24; the state space none a token, d N in all; positions one
or two in all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Case, Evaluate, Theorem, representable

Sequences = tuple[np.ndarray, ...]


class Recurrence:
    """A mixer that keeps one state: `start` names the first, and `moved` takes it on by one token.

    It counts by itself, and takes no rotation.
    """

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(state (B, ...), n new tokens (B, n, d)) -> the state after them, y (B, n, d)."""
        state, x, *_ = arguments
        found = []
        for t in range(x.shape[1]):
            state, y = self.moved(p, state, x[:, t])
            found.append(y)
        return state, np.stack(found, axis=1)

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) float64 -> the same shape; the recurrence is the definition."""
        return self.step(p, *self.start(len(x)), x)[-1]


def piece(x: np.ndarray, first: int, end: int) -> np.ndarray:
    """The places from `first` up to `end`: of vectors (..., T, w), or of ids (..., T)."""
    return x[..., first:end, :] if x.dtype.kind == "f" else x[..., first:end]


def continued(
    evaluate: Evaluate, spec: Any, p: dict[str, np.ndarray], sequences: Sequences, cuts: Sequence[int]
) -> list[np.ndarray]:
    """What the layer gives for the whole of `sequences`, taken in pieces that begin at 0 and at each of `cuts`."""
    cache, found = spec.start(len(sequences[0])), []
    for first, end in pairwise((0, *cuts, sequences[0].shape[1])):
        outputs = evaluate(spec, p, "step", *cache, *(piece(x, first, end) for x in sequences))
        found.append(outputs[len(cache) :])
        # `evaluate` answers in float64, counts too.
        cache = tuple(new.astype(old.dtype) for new, old in zip(outputs[: len(cache)], cache, strict=True))
    return [np.concatenate(parts, axis=-2) for parts in zip(*found, strict=True)]


def continuation(
    layer: str, spec: Any, sequences: Callable[[np.random.Generator], Sequences], length: int, exact: bool = False
) -> Theorem:
    """The theorem for a layer whose arguments `sequences` draws: cut before every second place or so, by chance.

    length, exact: as in `Theorem`.
    """

    def sides(evaluate: Evaluate, g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        p = Case("", spec, None).parameters(g)
        given = tuple(representable(x) if x.dtype.kind == "f" else x for x in sequences(g))
        cuts = 1 + np.flatnonzero(g.random(given[0].shape[1] - 1) < 0.5)
        whole = evaluate(spec, p, "__call__", *given)
        whole = whole if isinstance(whole, tuple) else (whole,)
        return tuple(
            np.concatenate([y.ravel() for y in side]) for side in (continued(evaluate, spec, p, given, cuts), whole)
        )

    return Theorem(f"{layer}: continuation", "piece by piece, through a cache, is the whole", sides, length, exact)


def causality(layer: str, spec: Any, sequences: Callable[[np.random.Generator], Sequences]) -> Theorem:
    """The theorem for a layer whose arguments `sequences` draws: all that comes after a place is drawn anew."""

    def sides(evaluate: Evaluate, g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        p = Case("", spec, None).parameters(g)
        given, other = (tuple(representable(x) for x in sequences(g)) for _ in range(2))
        length = given[0].shape[-2]
        t = int(g.integers(1, length))
        changed = (np.where(np.arange(length)[:, None] < t, x, later) for x, later in zip(given, other, strict=True))
        return evaluate(spec, p, "__call__", *given)[:, :t], evaluate(spec, p, "__call__", *changed)[:, :t]

    statement = "the output before t does not change with inputs from t on"
    return Theorem(f"{layer}: causality", statement, sides, length=1, exact=True)
