"""The theorems of E23, the algorithm (`lyceum.personas.euclid.circuit`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyceum.personas.baseline.attention import turned
from lyceum.personas.euclid.circuit.mirrors import rotary
from lyceum.personas.euclid.circuit.start import written
from lyceum.personas.spec.case import Theorem, representable

MOST = 64  # the greatest number that the cell is asked, and its steps
PAIRS = 1.0 + np.indices((MOST, MOST)).reshape(2, -1).T
MEASURE = np.gcd.reduce(PAIRS.astype(int), axis=1)


def quotients(a: int, b: int) -> int:
    """The sum of the quotients of the continued fraction of a / b: how often VII.2 subtracts."""
    total, great, less = 0, max(a, b), min(a, b)
    while less:
        total, great, less = total + great // less, less, great % less
    return total


def theorems(cell: Any, positions: Any) -> tuple[Theorem, ...]:
    """cell: of MOST steps. positions: mirrors for heads of width 8."""
    p = cell.initial(np.random.default_rng(0), 1)

    def _measure(evaluate, g):
        return evaluate(cell, p, "__call__", PAIRS)[:, -1, 0], MEASURE

    def _steps(evaluate, g):
        states = evaluate(cell, p, "__call__", PAIRS)
        needed = (states[:, :, 0] == MEASURE[:, None]).argmax(1)
        return needed, np.array([quotients(int(a), int(b)) for a, b in PAIRS])

    def _conserved(evaluate, g):
        states = evaluate(cell, p, "__call__", PAIRS)
        measures = np.gcd.reduce(states.astype(int), axis=-1)
        left = np.append(measures, states[:, 1:].sum(-1), axis=1)
        return left, np.append(np.broadcast_to(MEASURE[:, None], measures.shape), states[:, :-1, 0], axis=1)

    def _multiples(evaluate, g):
        # A power of two scales every intermediate number without rounding.
        numbers, factor = representable(g.uniform(0, 9, (20, 2))), g.choice([0.25, 2.0, 8.0], (20, 1))
        states = evaluate(cell, p, "__call__", numbers)
        return evaluate(cell, p, "__call__", factor * numbers), factor[..., None] * states

    def _sharp(evaluate, g):
        shares = []
        for name, weight in p.items():
            for i in np.flatnonzero(weight):
                wrong = weight.copy()
                wrong.flat[i] *= -1
                numbers = evaluate(cell, p | {name: wrong}, "__call__", PAIRS)[:, -1, 0]
                shares.append((numbers == MEASURE).mean())
        return np.minimum(shares, 1 - 1 / len(PAIRS)), np.array(shares)

    def _any_rotation(evaluate, g):
        basis, triangle = np.linalg.qr(g.normal(size=(8, 8)))
        basis[:, 0] *= np.linalg.det(basis)
        drawn = positions.initial(g, 1)
        p = drawn | written(positions, basis, drawn["mirrors"])
        cos, sin, frame = evaluate(positions, p, "rotation", np.zeros(1), np.array([[1, 5]], np.int32))
        rows = np.broadcast_to(frame[:, None], (positions.n_head, 2, 8, 8))
        turns = turned(rows, cos[0, :, :, None], sin[0, :, :, None]) @ frame[:, None].swapaxes(2, 3)
        powers = np.stack([basis, np.linalg.matrix_power(basis, 5)])
        return turns.swapaxes(2, 3), np.broadcast_to(powers, turns.shape)

    def _rotary(evaluate, g):
        drawn, shape = positions.initial(g, 1), (2, positions.n_head, 6, 8)
        p = drawn | written(positions, rotary(8, positions.base), drawn["mirrors"])
        x, position = representable(g.normal(size=(2, *shape))), g.integers(0, 64, (2, 2, 6)).astype(np.int32)
        q, k = (evaluate(positions, p, "turn", *each) for each in zip(x, position, strict=True))
        unit = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
        angle = position[:, :, None, :, None] * positions.base ** (-np.arange(0, 8, 2) / 8)
        turning = (unit[..., ::2] + 1j * unit[..., 1::2]) * np.exp(1j * angle)
        return (q * k).sum(-1), (turning[0] * turning[1].conj()).real.sum(-1)

    return (
        Theorem("circuit: measure", "g is the greatest common measure of all pairs to 64", _measure, 0, exact=True),
        Theorem("circuit: steps", "after as many steps as the quotients add up to", _steps, 0, exact=True),
        Theorem("circuit: conserved", "every step keeps the measure, and g' + l' = g", _conserved, 0, exact=True),
        Theorem("circuit: multiples", "h(c a, c b) = c h(a, b) for c = 2^k", _multiples, 0, exact=True),
        Theorem("circuit: sharp", "any weight with another sign breaks it", _sharp, 0, exact=True),
        Theorem("circuit: any rotation", "written mirrors and angles turn by R^t", _any_rotation, 300),
        Theorem("circuit: rotary", "scores of the start are those of rotary positions", _rotary, 300),
    )
