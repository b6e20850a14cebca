"""The theorems of E21, the perpendicular (`lyceum.personas.euclid.retain`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyceum.personas.spec.case import Theorem, representable


def theorems(spec: Any) -> tuple[Theorem, ...]:
    """spec: eight axes of sixteen numbers, "w", whose products are exact in every precision."""

    def _drawn(evaluate, g) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A vector, its foot and the axes (16, 8)."""
        x = representable(g.normal(size=16))
        return x, evaluate(spec, {}, "foot", x), spec.axes["w"].astype(np.float64)

    def _perpendicular(evaluate, g):
        x, foot, basis = _drawn(evaluate, g)
        return np.concatenate([x, basis.T @ foot]), np.concatenate([x, np.zeros(8)])

    def _pythagoras(evaluate, g):
        x, foot, basis = _drawn(evaluate, g)
        twice = evaluate(spec, {}, "foot", foot)
        return np.append(twice, foot @ foot + ((basis.T @ x) ** 2).sum()), np.append(foot, x @ x)

    def _level(evaluate, g):
        x, foot, basis = _drawn(evaluate, g)
        first = representable(g.normal(size=16))

        def loss(w: np.ndarray) -> np.ndarray:
            return np.cos(basis.T @ w)

        return loss(first + foot), loss(first)

    def _descent(evaluate, g):
        x, foot, _ = _drawn(evaluate, g)
        scale = representable(g.exponential(size=16))
        again = evaluate(spec, {}, "foot", scale * foot)
        return np.array([x @ again]), np.array([foot @ (scale * foot)])

    return (
        Theorem("perpendicular: right angles", "the foot is perpendicular to every axis", _perpendicular, length=64),
        Theorem(
            "perpendicular: Pythagoras",
            "the square on a vector is those on its foot and on the rest",
            _pythagoras,
            length=64,
        ),
        Theorem("perpendicular: level", "a loss of the products with the axes does not change", _level, length=64),
        Theorem("perpendicular: descent", "<G, P A P G> = <P G, A P G>", _descent, length=256),
    )
