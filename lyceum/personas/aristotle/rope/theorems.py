"""The theorems of A5, the square of opposition (`lyceum.personas.aristotle.rope`), each as a function of references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Theorem, representable


def _drawn(g: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Vectors of three heads of width 16, (2, 3, 6, 16), then `count` arrays of positions for them, (2, 6, 2)."""
    return representable(g.normal(size=(2, 3, 6, 16))), *g.integers(-9, 10, (count, 2, 6, 2)).astype(np.int32)


def _addition(wide, evaluate, g):
    x, one, other = _drawn(g, 2)
    twice = evaluate(wide, {}, "turn", evaluate(wide, {}, "turn", x, one), other)
    return twice, evaluate(wide, {}, "turn", x, one + other)


def _norm(wide, evaluate, g):
    x, position = _drawn(g, 1)
    return np.linalg.norm(evaluate(wide, {}, "turn", x, position), axis=-1), np.linalg.norm(x, axis=-1)


def _relative(wide, evaluate, g):
    (q, at_query, at_key, shift), (k, *_) = _drawn(g, 3), _drawn(g, 0)

    def score(by):
        return (evaluate(wide, {}, "turn", q, at_query + by) * evaluate(wide, {}, "turn", k, at_key + by)).sum(-1)

    return score(shift), score(0 * shift)


def _characters(contract, evaluate, g) -> tuple[np.ndarray, np.ndarray]:
    """Positions (2, 6, 2) and chi of the four corners there, (2, 4, 6): ones, turned with all frequencies at 0."""
    position = g.integers(-9, 10, (2, 6, 2)).astype(np.int32)
    still = replace(contract, frequencies=0 * contract.frequencies)
    return position, evaluate(still, {}, "turn", np.ones((2, 4, 6, 8)), position)[..., 0]


def _group(contract, evaluate, g):
    # The corner of head h has the bits of h, so the corners add as exclusive or.
    _, chi = _characters(contract, evaluate, g)
    return chi[:, :, None] * chi[:, None, :], chi[:, np.arange(4)[:, None] ^ np.arange(4)]


def _orthogonal(contract, evaluate, g):
    position, chi = _characters(contract, evaluate, g)
    return chi.sum(1), np.where((position % 2 == 0).all(-1), 4.0, 0.0)


def _shift(narrow, evaluate, g):
    # Corner 10 adds pi to the frequency of the pair that turns with t, corner 01 to that of the other.
    x, position = representable(g.normal(size=(2, 1, 6, 4))), g.integers(-9, 10, (2, 6, 2)).astype(np.int32)
    signed = replace(narrow, corners=np.eye(2, dtype=np.int32))
    angle = np.stack([position @ (narrow.frequencies + np.pi * np.diag(corner)) for corner in np.eye(2)], axis=1)
    same = np.eye(2, dtype=bool)[None, :, None]  # pair 0 of head 0, pair 1 of head 1
    a, b = np.split(x, 2, axis=-1)
    pair = a * np.cos(angle) - b * np.sin(angle)
    return np.where(same, evaluate(signed, {}, "turn", x, position)[..., :2], 0), np.where(same, pair, 0)


def _count(contract, evaluate, g):
    ids = g.integers(0, 7, (3, 20)).astype(np.int32)
    positions = [[(t, sum(int(contract.ends[i]) for i in row[:t])) for t in range(20)] for row in ids]
    return evaluate(contract, {}, "positions", ids), np.array(positions)


def theorems(narrow: Any, wide: Any, contract: Any) -> tuple[Theorem, ...]:
    """narrow, wide, contract: 2, 3 and 4 heads of width 4, 16 and 8, over seven ids."""

    def theorem(name: str, statement: str, sides: Callable, spec: Any, length: int, exact: bool = False) -> Theorem:
        return Theorem(f"rope: {name}", statement, partial(sides, spec), length, exact)

    return (
        theorem("addition", "R(a) R(b) = R(a + b)", _addition, wide, 64),
        theorem("norm", "turning leaves the norm unchanged", _norm, wide, 16),
        theorem("relative", "the score depends on (t - t', s - s') alone", _relative, wide, 64),
        theorem("group", "the characters multiply as the Klein group", _group, contract, 1, exact=True),
        theorem("orthogonal", "the four add up to 4 for even t and s, else to 0", _orthogonal, contract, 1, exact=True),
        theorem("shift", "(-1)^t on a pair that turns with t adds pi to its frequency", _shift, narrow, 400),
        theorem("count", "s is the number of sentence ends before t", _count, contract, 1, exact=True),
    )
