"""The theorems of A4, genus and species (`lyceum.personas.aristotle.quantize`), each as a function of references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Theorem


def prefix(codes: np.ndarray, dropped: int) -> np.ndarray:
    """The codes without the last `dropped` bits of every coordinate."""
    return np.concatenate([codes[:, :1], codes[:, 1:] >> dropped], axis=1)


def _ties(twins, evaluate, g):
    # Blocks on walls of cells and of boxes.
    w = g.integers(-8, 9, (200, 8)) / 8.0 * 2.0 ** -g.integers(0, 3, (200, 1))
    both = (twins, replace(twins, bits=0))
    return tuple(
        np.concatenate([encode(genera) for genera in both])
        for encode in (lambda genera: evaluate(genera, {}, "encode", w), lambda genera: genera.encode({}, w))
    )


def _prefixes(random_genera, evaluate, g):
    genera, w = random_genera(g)
    codes = evaluate(genera, {}, "encode", w).astype(np.int32)
    for dropped in range(genera.bits + 1):
        coarser = replace(genera, bits=genera.bits - dropped)
        decoded = evaluate(coarser, {}, "decode", prefix(codes, dropped))
        yield coarser, codes, decoded, w


def _halving(random_genera, evaluate, g):
    sides = []
    for genera, codes, decoded, w in _prefixes(random_genera, evaluate, g):
        bound = genera.radii[codes[:, 0]] * 2.0**-genera.bits
        sides.append((np.maximum(np.abs(w - decoded).max(-1), bound), bound))
    return tuple(np.array(side) for side in zip(*sides, strict=True))


def _every_prefix(random_genera, evaluate, g):
    # The cell of w in its genus, computed anew at every number of bits.
    sides = []
    for genera, codes, decoded, w in _prefixes(random_genera, evaluate, g):
        alone = (replace(genera, centres=genera.centres[[k]], radii=genera.radii[[k]]) for k in codes[:, 0])
        anew = [one.decode({}, one.encode({}, block[None]))[0] for one, block in zip(alone, w, strict=True)]
        sides.append((decoded, anew))
    return tuple(np.array(side) for side in zip(*sides, strict=True))


def _idempotence(random_genera, evaluate, g):
    genera, w = random_genera(g)
    once = evaluate(genera, {}, "decode", evaluate(genera, {}, "encode", w).astype(np.int32))
    return evaluate(genera, {}, "decode", evaluate(genera, {}, "encode", once).astype(np.int32)), once


def theorems(twins: Any, random_genera: Callable[[np.random.Generator], tuple[Any, np.ndarray]]) -> tuple[Theorem, ...]:
    """twins: genera of which one box is inside another, and two are equal. random_genera: draws genera and blocks."""

    def theorem(name: str, statement: str, sides: Callable, of: Any, length: int, exact: bool = False) -> Theorem:
        return Theorem(f"quantize: {name}", statement, partial(sides, of), length, exact)

    return (
        theorem("ties", "a tie goes to the lower index, a wall to the upper cell", _ties, twins, 1, exact=True),
        theorem("halving", "every bit halves the bound on the error", _halving, random_genera, 16),
        theorem("prefixes", "the first bits of a species are a coarser species", _every_prefix, random_genera, 16),
        theorem("idempotence", "quantizing twice changes nothing", _idempotence, random_genera, 1, exact=True),
    )
