"""The theorems of A1, the tree of Porphyry (`lyceum.personas.aristotle.moe`), each as a function of a reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.aristotle.moe.inputs import point
from lyceum.personas.spec.case import Case, Theorem, representable


def _level(shallow, evaluate, g):
    p, x = point(shallow, g, 3, 9, 8)
    levels = np.split(evaluate(shallow, p, "reach", x), (1, 3), axis=-1)
    return np.stack([level.sum(-1) for level in levels]), np.ones((3, 3, 9))


def _path(shallow, evaluate, g):
    # Each expert writes 1 to a coordinate of its node: y lists the weights of the nodes on the path.
    spec = replace(shallow, hidden=1)
    p, x = point(spec, g, 3, 9, 8)
    x[..., 7] = 1
    p |= {"up.weight": np.tile(np.eye(8)[[0, 7]] * [[0], [1]], (7, 1)), "down.weight": np.eye(8, 7)}
    visits, (reach, y, load) = spec.visits(p, x), (evaluate(spec, p, m, x) for m in ("reach", "__call__", "load"))
    return np.append(y[..., :7], load), np.append(reach * visits, visits.sum((0, 1))[3:])


def _sure(shallow, evaluate, g):
    p, x = point(shallow, g, 3, 9, 8)
    p |= {"router.weight": 2048 * p["router.weight"], "beta": np.zeros(3)}
    return evaluate(shallow, p, "__call__", x), evaluate(shallow, p, "dense", x)


def _alone(shallow, evaluate, g):
    p, x = point(shallow, g, 40, 8)
    alone = np.concatenate([evaluate(shallow, p, "__call__", token) for token in x[:, None]])
    return alone, evaluate(shallow, p, "__call__", x)


def _tie(deep, evaluate, g):
    # At x = 0 without bias every answer is 1/2 exactly, and all tokens go left.
    p = Case("", deep, None).parameters(g) | {"router.bias": np.zeros(7), "beta": np.zeros(7)}
    return evaluate(deep, p, "load", np.zeros((2, 3, 16))), 6 * np.eye(8)[0]


def _bounded(deep, evaluate, g):
    # From the bound of |beta|, with all tokens on the side to which beta sends them.
    start = g.choice([-1, 1], size=7) * (0.5 + deep.rate * g.choice([0.0, 1.0], size=7))
    p, x = Case("", deep, None).parameters(g) | {"beta": start}, representable(3 * g.normal(size=(50, 16)))
    beta = evaluate(deep, p, "rebalanced", evaluate(deep, p, "load", x).astype(int))
    return np.clip(beta, -0.5 - deep.rate, 0.5 + deep.rate), beta


def theorems(shallow: Any, deep: Any) -> tuple[Theorem, ...]:
    """shallow: width 8, depth 2. deep: width 16, depth 3."""

    def theorem(name: str, statement: str, sides: Callable, spec: Any, length: int, exact: bool = False) -> Theorem:
        return Theorem(f"moe: {name}", statement, partial(sides, spec), length, exact)

    return (
        theorem("level", "reach sums to 1 on every level", _level, shallow, 8),
        theorem("path", "the weights on a path are reach, whatever beta", _path, shallow, 16),
        theorem("sure", "sparse = dense when every answer is 0 or 1", _sure, shallow, 64),
        theorem("alone", "each token is processed once, whatever the others are", _alone, shallow, 64),
        theorem("tie", "at a tie the path goes to the lower index", _tie, deep, 0, exact=True),
        theorem("bounded", "|beta| <= 1/2 + rate, to the last bit", _bounded, deep, 0, exact=True),
    )
