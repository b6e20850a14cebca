"""The theorems of E7, the compass (`lyceum.personas.euclid.muon`), each as a function of a reference."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.properties.rotations import exact_rotation
from lyceum.personas.spec.case import Theorem, representable

STEEP = 4 * 485**2  # an error grows by up to the slope of phi^5 at 0, see `lyceum.personas.aristotle.muon`


def _state(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """W, M, G of any shape, three matrices each, and stored radii 0."""
    r, c = g.integers(2, 9, size=2)
    w, m, push = representable(g.normal(size=(3, 3, r, c)))
    return w, m, np.zeros(3), push


def _products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x * y).sum((1, 2))


def _lengths(x: np.ndarray) -> np.ndarray:
    return _products(x, x) ** 0.5


def _opening(spec, evaluate, g):
    w, m, radius, push = _state(g)
    lengths = [_lengths(w)]
    for lr in g.uniform(0, 1.5, 5):
        w, m, radius = evaluate(spec, {}, "__call__", w, m, radius, push, np.array(lr))
        lengths += [_lengths(w), radius]
    return np.stack(lengths), np.broadcast_to(lengths[0], (11, 3))


def _angle(spec, evaluate, g):
    w, m, radius, push = _state(g)
    lr = representable(g.uniform(0.1, 1.2))
    turned, *_ = evaluate(spec, {}, "__call__", w, m, radius, push, lr)
    return 2 * np.arcsin(_lengths(turned - w) / _lengths(w) / 2), np.full(3, spec.rate * lr)


def _quarter(spec, evaluate, g):
    """(V, N, T): a quarter turn of a circle of radius 1 ends at -T."""
    w, m, _, push = _state(g)
    turned, momentum, _ = evaluate(type(spec)(np.pi / 2), {}, "__call__", w, m, np.ones(3), push, np.array(1.0))
    return *(x / _lengths(x)[:, None, None] for x in (w, momentum)), -turned


def _tangent(spec, evaluate, g):
    v, _, t = _quarter(spec, evaluate, g)
    return np.stack([1 + _products(v, t), _lengths(t)]), np.ones((2, 3))


def _descent(spec, evaluate, g):
    v, n, t = _quarter(spec, evaluate, g)
    foot, product = n - _products(n, v)[:, None, None] * v, _products(t, n)
    return product, np.maximum(product, 0.56 * _lengths(foot) / min(n.shape[1:]) ** 0.5)


def _power(spec, evaluate, g):
    # 2^-100: squares and products of such numbers underflow in float32.
    (w, m, radius, push), k = _state(g), 2.0 ** g.choice([-100, -40, 3, 60])
    states = (w, k * m, radius, k * push), (w, m, radius, push)
    return tuple(evaluate(spec, {}, "__call__", *state, np.array(0.1))[0] for state in states)


def _rotated(spec, evaluate, g):
    # Numbers of few digits, and no momentum yet, so that the products are exact in float32.
    w, push = g.integers(-(2**10), 2**10, size=(2, 3, 4, 8)).astype(float)
    q, s = exact_rotation(g, 1), exact_rotation(g, 2)
    pairs = (q @ w @ s, q @ push @ s), (w, push)
    ends = [evaluate(spec, {}, "__call__", a, 0 * a, np.zeros(3), b, np.array(0.2))[0] for a, b in pairs]
    return ends[0], q @ ends[1] @ s


def _still(spec, evaluate, g):
    """W = 0; M = 0; M parallel to W, exactly and up to rounding."""
    w, m, push = representable(g.normal(size=(3, 5, 3, 4)))
    w[0], m[1], push[1] = 0, 0, 0
    w[2], m[2], push[2] = 0.25, 3, 3
    m[3:], push[3], push[4] = -(2.0**-90) * w[3:], 2 * w[3], 0
    return evaluate(spec, {}, "__call__", w, m, np.zeros(5), push, np.array(0.1))[0], w


def theorems(spec: Any) -> tuple[Theorem, ...]:
    """The theorems of `spec`, a Compass."""

    def theorem(name: str, statement: str, sides: Callable, length: int, exact: bool = False) -> Theorem:
        return Theorem(f"compass: {name}", statement, partial(sides, spec), length, exact)

    return (
        theorem("opening", "after five steps of any angle |W| is the stored radius, the first length", _opening, 64),
        theorem("angle", "2 asin of half the chord is rate * lr", _angle, 256),
        theorem("tangent", "a quarter turn ends at -T, of length 1 and orthogonal to W", _tangent, 256),
        theorem("descent", "<T, M> is at least 0.56 / sqrt(k) of |M| |T0|", _descent, 64),
        theorem("power of two", "as a factor on M and G it changes nothing", _power, 1, exact=True),
        theorem("rotations", "from left and right they rotate the step with the matrix", _rotated, STEEP),
        theorem("no direction", "W = 0, and M = 0 or parallel to W, leave W", _still, 1, exact=True),
    )
