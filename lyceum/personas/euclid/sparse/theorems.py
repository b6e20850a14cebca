"""Inputs and theorems of E18 (`lyceum.personas.euclid.sparse`), away from ties: mathematics decides what is kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from lyceum.personas.euclid.superpose.theorems import given
from lyceum.personas.properties.sequences import causality
from lyceum.personas.spec.case import Theorem, representable
from lyceum.personas.spec.names import below


def clear(spec: Any, *shape: int):
    """Generator -> x of this shape; with `given` parameters no rounding changes which entries are kept."""

    def inputs(g: np.random.Generator) -> tuple[np.ndarray]:
        p, x = below(given(spec), "inner"), g.normal(size=shape)
        while (near := spec.gaps(spec.inner.features(p, x)) < 0.05).any():
            x[near] = g.normal(size=(near.sum(), shape[-1]))
        return (x,)

    return inputs


def moduli(g: np.random.Generator, *shape: int) -> np.ndarray:
    """Hidden vectors of this shape: moduli near 1, 2, 3, .. in any order, with signs."""
    size = 1 + np.argsort(g.random(shape), axis=-1) + g.uniform(-0.3, 0.3, shape)
    return representable(size * g.choice([-1, 1], shape))


def _drawn(spec, g):
    p, x = given(spec), representable(clear(spec, 3, 7, 8)(g)[0])
    return p, x, spec.inner.features(below(p, "inner"), x)


def _nearest(spec, evaluate, g):
    # For each support the nearest vector that has it, and others at random.
    h, n = representable(g.normal(size=(4, spec.width))), spec.width
    distance = np.linalg.norm(h - evaluate(spec, given(spec), "project", h), axis=-1)
    supports = np.array([np.isin(np.arange(n), each) for each in combinations(range(n), spec.k)])
    least = np.linalg.norm(np.where(supports[:, None], 0, h), axis=-1).min(0)
    others = np.where(supports[:, None], g.normal(size=h.shape), 0)
    nearer = np.minimum(distance, np.linalg.norm(h - others, axis=-1).min(0))
    return np.concatenate([distance, nearer]), np.concatenate([least, distance])


def _again(spec, evaluate, g):
    once = evaluate(spec, given(spec), "project", moduli(g, 5, spec.width))
    return evaluate(spec, given(spec), "project", once), once


def _pythagoras(spec, evaluate, g):
    h = moduli(g, 20, spec.width)
    near = evaluate(spec, given(spec), "project", h)
    square, rest, total = ((each**2).sum(-1) for each in (near, h - near, h))
    return np.concatenate([square + rest, np.maximum(square, spec.k / spec.width * total)]), np.append(total, square)


def _moved(spec, evaluate, g):
    h, order = moduli(g, 5, spec.width), g.permutation(spec.width)
    scale = g.choice([-4.0, -1.0, 0.5, 1.0]) * g.choice([-1, 1], spec.width)
    project = partial(evaluate, spec, given(spec), "project")
    return project((scale * h)[:, order]), (scale * project(h))[:, order]


def _ties(spec, evaluate, g):
    # Moduli of 1, 2 and 3: of those that are equal at the edge the first ones are kept.
    h = g.integers(1, 4, (20, spec.width)) * g.choice([-1.0, 1.0], (20, spec.width))
    expected = np.zeros_like(h)
    for row, nearest in zip(h, expected, strict=True):
        for i in sorted(range(spec.width), key=lambda i: (-abs(row[i]), i))[: spec.k]:
            nearest[i] = row[i]
    return evaluate(spec, given(spec), "project", h), expected


def _rows(spec, evaluate, g):
    p, x, _ = _drawn(spec, g)
    return evaluate(spec, p, "by_rows", x), evaluate(spec, p, "__call__", x)


def _unread(spec, evaluate, g):
    # One token; the rows that it does not keep are no numbers.
    p, x, h = _drawn(spec, g)
    down = p["inner.down.weight"].copy()
    down[:, np.setdiff1d(np.arange(spec.width), spec.chosen(h[0, 0]))] = np.nan
    one = x[:1, :1]
    return evaluate(spec, p | {"inner.down.weight": down}, "by_rows", one), evaluate(spec, p, "by_rows", one)


def _near_dense(spec, evaluate, g):
    p, x, h = _drawn(spec, g)
    inner = below(p, "inner")
    apart = evaluate(spec, p, "__call__", x) - evaluate(spec.inner, inner, "__call__", x)
    most = np.linalg.norm(spec.inner.rows(inner), 2) * np.linalg.norm(h - spec.project(p, h), axis=-1)
    apart = np.linalg.norm(apart, axis=-1)
    return np.minimum(apart, most), apart


def _dense(spec, evaluate, g):
    p, x, _ = _drawn(spec, g)
    return evaluate(spec, p, "__call__", x), evaluate(spec.inner, below(p, "inner"), "__call__", x)


def theorems(gated: Any, every: Any) -> tuple[Theorem, ...]:
    """gated: a reference of width 8. every: one with k = n."""

    def theorem(name: str, statement: str, sides: Callable, length: int = 64, spec: Any = gated) -> Theorem:
        return Theorem(f"nearest: {name}", statement, partial(sides, spec), length, exact=not length)

    return (
        theorem("nearest", "no vector with k entries is nearer than P(h)", _nearest, 16),
        theorem("again", "P(P(h)) = P(h) to the last bit", _again, 0),
        theorem("Pythagoras", "|h|^2 = |P(h)|^2 + |h - P(h)|^2, and the first is k/n of it or more", _pythagoras),
        theorem("moved", "signs, powers of two and permutations, to the last bit", _moved, 0),
        theorem("ties", "of equal moduli the first ones remain", _ties, 0),
        theorem("rows", "adding up k rows is the product with all", _rows),
        theorem("unread", "the other rows are not read", _unread, 0),
        theorem("near dense", "|y - f(x)| <= |W| |h - P(h)|", _near_dense),
        theorem("dense", "k = n is the perceptron itself", _dense, 64, every),
        causality("nearest", gated, lambda g: (g.normal(size=(2, 9, 8)),)),
    )
