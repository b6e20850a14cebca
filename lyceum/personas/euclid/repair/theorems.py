"""The theorems of E14, the nearest perpendicular frame (`lyceum.personas.euclid.repair`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Theorem, representable

ROUNDED = 4096  # a chain through 3 x 16 products of matrices


def moved(g: np.random.Generator, n: int, r: int, c: int) -> tuple[np.ndarray, np.ndarray]:
    """(W, A): matrices, and averages of which every row is a tenth of its length away."""
    a, way = g.normal(size=(2, n, r, c))
    way *= np.linalg.norm(a, axis=-1, keepdims=True) / np.linalg.norm(way, axis=-1, keepdims=True)
    return representable(a + 0.1 * way), representable(a)


def matrices(g: np.random.Generator, n: int, c: int) -> np.ndarray:
    """Square matrices with singular values between 0.3 and 3."""
    u, v = np.linalg.qr(g.normal(size=(2, n, c, c)))[0]
    return representable((u * np.exp(g.uniform(-1.2, 1.1, (n, 1, c)))) @ v)


def _all(w: np.ndarray) -> np.ndarray:
    return np.ones(w.shape[:2], np.int32)


def _foot(spec, evaluate, g):
    v, a = moved(g, 3, 6, 5)
    w = 2.0 ** g.integers(-9, 10, (3, 6, 1)) * g.choice([-1, 1], (3, 6, 1)) * v
    f = evaluate(spec, {}, "restore", w, a, _all(w))
    return ((a - f) ** 2).sum(-1) + ((f - v) ** 2).sum(-1), ((a - v) ** 2).sum(-1)


def _nearest(spec, evaluate, g):
    m = matrices(g, 3, 6)
    u, _, v = np.linalg.svd(m)
    return evaluate(spec, {}, "frame", m), u @ v


def _frames(spec, evaluate, g):
    """A frame is its own nearest, and its lines are perpendicular."""
    once = evaluate(spec, {}, "frame", matrices(g, 3, 6))
    twice, lines = evaluate(spec, {}, "frame", once), once @ once.swapaxes(1, 2)
    return np.stack([twice, lines]), np.stack([once, np.broadcast_to(np.eye(6), once.shape)])


def _turned(spec, evaluate, g):
    """All rows turned as one, and half of them lost: the free motion is the turn."""
    _, a = moved(g, 3, 30, 5)
    turn = np.linalg.qr(g.normal(size=(3, 5, 5)))[0]
    lost = np.broadcast_to(np.arange(30) % 2, (3, 30)).astype(np.int32)
    return evaluate(replace(spec, stiff=0.0), {}, "motion", a @ turn, a, lost), turn


def _congruent(spec, evaluate, g):
    w, a = moved(g, 2, 8, 5)
    hurt = np.broadcast_to(np.arange(8) % 2, (2, 8)).astype(np.int32)
    b = evaluate(spec, {}, "restore", np.where(hurt[..., None] != 0, 0.0, w), a, hurt)[:, 1::2]
    return b @ b.swapaxes(1, 2), a[:, 1::2] @ a[:, 1::2].swapaxes(1, 2)


def _short(spec, evaluate, g):
    w, a = moved(g, 3, 8, 5)
    lost = np.broadcast_to(np.arange(8) % 2, (3, 8)).astype(np.int32)
    o = evaluate(spec, {}, "motion", w, a, lost)
    turned = spec.stiff * (a**2).sum((1, 2)) / 5 * ((o - np.eye(5)) ** 2).sum((1, 2))
    return turned, np.minimum(turned, ((a - w)[:, ::2] ** 2).sum((1, 2)))


def _lost(spec, evaluate, g):
    """Everything lost, or nothing moved: the average itself."""
    w, a = moved(g, 2, 6, 5)
    none = evaluate(spec, {}, "restore", 0 * w, a, _all(w))
    still = evaluate(spec, {}, "restore", np.where(np.arange(6)[:, None] % 2, 0.0, a), a, _all(w))
    return np.stack([none, still]), np.stack([a, a])


def _unhurt(spec, evaluate, g):
    w, a = moved(g, 3, 6, 5)
    return evaluate(spec, {}, "restore", w, a, 0 * _all(w)), w


def theorems(spec: Any) -> tuple[Theorem, ...]:
    """The theorems of `spec`, a Superposition."""

    def theorem(name: str, statement: str, sides: Callable, length: int, exact: bool = False) -> Theorem:
        return Theorem(f"superposition: {name}", statement, partial(sides, spec), length, exact)

    return (
        theorem("Pythagoras", "|a - f|^2 + |f - v|^2 = |a - v|^2 for w = k v", _foot, length=1024),
        theorem("nearest", "the frame is the polar factor, as an SVD has it", _nearest, ROUNDED),
        theorem("frames", "a frame is orthogonal, and nearest to itself", _frames, ROUNDED),
        theorem("turned", "a turn of all rows is detected from half of them", _turned, ROUNDED),
        theorem("congruent", "lost rows return with their lengths and angles", _congruent, ROUNDED),
        theorem("short way", "stiff |A|^2 / c |O - 1|^2 <= the others' way", _short, length=ROUNDED),
        theorem("lost", "where all is lost, or nothing has moved, the average", _lost, ROUNDED),
        theorem("unhurt", "what is not hurt is not touched", _unhurt, length=0, exact=True),
    )
