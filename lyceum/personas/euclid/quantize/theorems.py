"""The theorems of E4, the lattice E8 (`lyceum.personas.euclid.quantize`), each as a function of references."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Theorem, representable


def _quantized(evaluate, lattice: Any, w: np.ndarray) -> np.ndarray:
    return evaluate(lattice, {}, "decode", evaluate(lattice, {}, "encode", w).astype(np.int32))


def least(w: np.ndarray, lattice: Any) -> np.ndarray:
    """By brute force: the least squared distance, in grid units, of w (n, 8) from the lattice, (n,)."""
    half_step, squares = lattice.half_step, np.full(len(w), np.inf)
    for i, block in enumerate(lattice.on_grid(w).astype(np.int64)):
        for coset in (0, 1):
            near = 2 * (block // (2 * half_step))[:, None] + np.arange(-2, 5, 2) + coset
            choices = [a[np.abs(a * half_step - x) <= 2 * half_step] for a, x in zip(near, block, strict=True)]
            vectors = np.array([a for a in product(*choices) if sum(a) % 4 == 0])
            squares[i] = min(squares[i], ((vectors * half_step - block) ** 2).sum(-1).min())
    return squares


def _nearest(lattices, evaluate, g):
    # Anywhere, and on the boundaries of cells, where every rule for ties must give one of the nearest.
    w = np.concatenate([representable(g.uniform(-1, 1, (30, 8))), g.integers(-32, 33, (30, 8)) / 32])
    away = [one.grid * _quantized(evaluate, one, w) - one.on_grid(w) for one in lattices]
    return np.stack([(x**2).sum(-1) for x in away]), np.stack([least(w, one) for one in lattices])


def _bijection(lattice, evaluate, g):
    codes = g.integers(-5, 5, (500, 8))
    blocks = evaluate(lattice, {}, "decode", codes.astype(np.int32))
    return evaluate(lattice, {}, "encode", blocks), codes


def _idempotence(lattice, evaluate, g):
    once = _quantized(evaluate, lattice, representable(g.normal(0, 0.3, (500, 8))))
    return _quantized(evaluate, lattice, once), once


def _ties(lattice, evaluate, g):
    w = g.integers(-16, 17, (2000, 8)) / 16.0
    return evaluate(lattice, {}, "encode", w), lattice.encode({}, w)


def theorems(coarse: Any, fine: Any, ties: Any) -> tuple[Theorem, ...]:
    """The theorems of these lattices; the half step of `ties` is a power of two, so that blocks lie on boundaries."""
    nearest, bijection = partial(_nearest, (coarse, ties)), partial(_bijection, coarse)
    idempotence, sides = partial(_idempotence, fine), partial(_ties, ties)
    return (
        Theorem("lattice: nearest", "no lattice vector is nearer, by brute force", nearest, 1, exact=True),
        Theorem("lattice: bijection", "every 8 integers are the code of one lattice vector", bijection, 1, exact=True),
        Theorem("lattice: idempotence", "quantizing quantized weights changes nothing", idempotence, 1, exact=True),
        Theorem("lattice: ties", "on the boundaries of cells all backends agree", sides, 1, exact=True),
    )
