"""Layers that act over time: how they take a text piece by piece, and the theorems that this changes nothing.

    start(batch) -> cache                                of a text that has not begun: a tuple of arrays
    step(*cache, x, *rotation) -> (*cache, y)            mixers: n new tokens, x and y (B, n, d)
    step(*cache, x, ids) -> (*cache, x, *rotation)       position layers

Theorem (causality). Later inputs do not change earlier outputs.

Theorem (continuation). A text cut into pieces anywhere and taken piece by piece gives the same as the text at once. It
implies causality: outputs of earlier positions are never computed again, so all that later positions need of them must
be in the cache.

Size of a cache, in numbers: baseline attention 2 d a token (keys, values); the syllogism 3 d (middle terms too, each
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
    """What a recurrent mixer inherits: `start` gives the first state, `moved` the state after one more token.

    It needs no positions, so it ignores a rotation.
    """

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(state (B, ...), n new tokens (B, n, d)) -> the state after them, y (B, n, d)."""
        state, x, *_ = arguments
        outputs = []
        for t in range(x.shape[1]):
            state, y = self.moved(p, state, x[:, t])
            outputs.append(y)
        return state, np.stack(outputs, axis=1)

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) float64 -> the same shape, token by token."""
        return self.step(p, *self.start(len(x)), x)[-1]


def piece(x: np.ndarray, first: int, end: int) -> np.ndarray:
    """The positions from `first` up to `end`, of vectors (..., T, w) or of ids (..., T)."""
    return x[..., first:end, :] if x.dtype.kind == "f" else x[..., first:end]


def continued(
    evaluate: Evaluate, spec: Any, p: dict[str, np.ndarray], sequences: Sequences, cuts: Sequence[int]
) -> list[np.ndarray]:
    """The layer's outputs for all of `sequences`, taken in pieces that begin at 0 and at each of `cuts`."""
    cache, pieces = spec.start(len(sequences[0])), []
    for first, end in pairwise((0, *cuts, sequences[0].shape[1])):
        outputs = evaluate(spec, p, "step", *cache, *(piece(x, first, end) for x in sequences))
        pieces.append(outputs[len(cache) :])
        # `evaluate` returns float64, even for positions.
        cache = tuple(new.astype(old.dtype) for new, old in zip(outputs[: len(cache)], cache, strict=True))
    return [np.concatenate(parts, axis=-2) for parts in zip(*pieces, strict=True)]


def continuation(
    layer: str, spec: Any, sequences: Callable[[np.random.Generator], Sequences], length: int, exact: bool = False
) -> Theorem:
    """The theorem for a layer whose arguments `sequences` draws: each token begins a new piece with probability 1/2.

    length, exact: as in `Theorem`.
    """

    def sides(evaluate: Evaluate, g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        p = Case("", spec, None).parameters(g)
        given = tuple(representable(x) if x.dtype.kind == "f" else x for x in sequences(g))
        cuts = 1 + np.flatnonzero(g.random(given[0].shape[1] - 1) < 0.5)
        at_once = evaluate(spec, p, "__call__", *given)
        at_once = at_once if isinstance(at_once, tuple) else (at_once,)
        in_pieces = continued(evaluate, spec, p, given, cuts)
        return tuple(np.concatenate([y.ravel() for y in side]) for side in (in_pieces, at_once))

    return Theorem(f"{layer}: continuation", "piece by piece through a cache gives the same", sides, length, exact)


def causality(layer: str, spec: Any, sequences: Callable[[np.random.Generator], Sequences]) -> Theorem:
    """The theorem for a layer whose arguments `sequences` draws: all inputs from one position on are replaced."""

    def sides(evaluate: Evaluate, g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        p = Case("", spec, None).parameters(g)
        given, other = (tuple(representable(x) for x in sequences(g)) for _ in range(2))
        length = given[0].shape[-2]
        t = int(g.integers(1, length))
        changed = (np.where(np.arange(length)[:, None] < t, x, later) for x, later in zip(given, other, strict=True))
        return evaluate(spec, p, "__call__", *given)[:, :t], evaluate(spec, p, "__call__", *changed)[:, :t]

    statement = "the output before t does not change with inputs from t on"
    return Theorem(f"{layer}: causality", statement, sides, length=1, exact=True)
