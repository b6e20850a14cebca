"""The theorems of A7, premises and conclusion (`lyceum.personas.aristotle.muon`), each as a function of a reference."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Theorem, representable

STEEP = 4 * 485**2  # an error grows by up to phi^5's slope at 0; five products in a row, the later ones by less


def _matrices(g: np.random.Generator) -> np.ndarray:
    """Four of any shape, the first with singular values down to 1e-4 of the greatest."""
    r, c = g.integers(2, 9, size=2)
    m = g.normal(size=(4, r, c))
    p, _, q = np.linalg.svd(m[0], full_matrices=False)
    m[0] = p * np.geomspace(1, 1e-4, min(r, c)) @ q
    return representable(m)


def _phi(spec, s: np.ndarray) -> np.ndarray:
    """phi^5(s)."""
    a, b, c = spec.quintic
    for _ in range(spec.steps):
        s = a * s + b * s**3 + c * s**5
    return s


def _shares(m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P, S, Q of each matrix, divided by its norm."""
    p, s, q = np.linalg.svd(m, full_matrices=False)
    return p, s / np.linalg.norm(s, axis=-1, keepdims=True), q


def _vectors(spec, evaluate, g):
    m = _matrices(g)
    p, s, q = _shares(m)
    return evaluate(spec, {}, "orthogonal", m), (p * _phi(spec, s)[:, None]) @ q


def _values(spec, evaluate, g):
    m = _matrices(g)
    s = np.sort(np.linalg.svd(evaluate(spec, {}, "orthogonal", m), compute_uv=False), axis=-1)
    # In order of size: each value that is great enough must be in the upper interval.
    return s, np.clip(s, np.sort(np.where(_shares(m)[1] >= 1.6e-3, 0.68, 0.0), axis=-1), 1.21)


def _sparse(g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """U and G with zeros; of three G one is 0, one is -U. C has no derivative there, so this is no parity case."""
    u, v = representable(g.normal(size=(2, 3, 4, 6))) * (g.random((2, 3, 4, 6)) < 0.6)
    return u, np.stack([v[0], 0 * v[1], -u[2]])


def _agreement(spec, evaluate, g):
    u, v = _sparse(g)
    c = evaluate(spec, {}, "conclude", u, v)
    return np.where(u * v == 0, c, np.minimum(c * np.sign(v), 0)), np.zeros_like(c)


def _length(spec, evaluate, g):
    u, v = _sparse(g)
    v[:, 0, 0] = u[:, 0, 0] = 1  # so that they agree somewhere
    return np.linalg.norm(evaluate(spec, {}, "conclude", u, v), axis=(1, 2)), np.linalg.norm(u, axis=(1, 2))


def _scaled(spec, evaluate, m, v, factor):
    u = (evaluate(spec, {}, "orthogonal", k * m) for k in (factor, 1))
    return tuple(evaluate(spec, {}, "conclude", one, k * v) for one, k in zip(u, (factor, 1), strict=True))


def _power(spec, evaluate, g):
    # 2^-100: squares and products of such numbers underflow in float32.
    m = _matrices(g)
    gradient = representable(m + g.normal(size=m.shape))
    return _scaled(spec, evaluate, m, gradient, 2.0 ** g.choice([-100, -40, 3, 60]))


def _factor(spec, evaluate, g):
    # Few digits each, so that the product is exact in float32.
    m, gradient = g.integers(-(2**12), 2**12, size=(2, 3, 5, 4)).astype(float)
    return _scaled(spec, evaluate, m, gradient, float(g.integers(2, 1000)))


def theorems(spec: Any) -> tuple[Theorem, ...]:
    """The theorems of `spec`, a Muon."""

    def theorem(name: str, statement: str, sides: Callable, length: int, exact: bool = False) -> Theorem:
        return Theorem(f"muon: {name}", statement, partial(sides, spec), length, exact)

    return (
        theorem("singular vectors", "U has the singular vectors of M", _vectors, STEEP),
        theorem("singular values", "1.6e-3 and more go to [0.68, 1.21], less to [0, 1.21]", _values, STEEP),
        theorem("agreement", "C is 0 wherever the signs of U and G differ", _agreement, 1, exact=True),
        theorem("length", "C is as long as U", _length, 64),
        theorem("power of two", "a power of two as a factor on M and G changes nothing", _power, 1, exact=True),
        theorem("factor", "a positive factor on M and G changes nothing, up to rounding", _factor, STEEP),
    )
