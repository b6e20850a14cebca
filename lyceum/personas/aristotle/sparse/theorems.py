"""Cases and theorems of A18 (`lyceum.personas.aristotle.sparse`), away from the line: mathematics decides who passes.

The layer is continuous across the line, but its slope is not; a theorem says what happens there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.properties.sequences import causality
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.names import below


@dataclass(frozen=True)
class Clear(Case):
    """A case whose tokens are far from the line. The router reads feature 0, and for the inputs of `clear` s is about
    0.15, 0.35, 0.65 or 0.85, at least 0.05 from theta, which is 1/4, 1/2 or 3/4.
    """

    def parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Random parameters; router and theta as above."""
        p, d = super().parameters(generator), self.spec.n_embd
        weight = np.eye(1, d) + 0.02 * generator.normal(size=(1, d))
        bias, theta = 0.02 * generator.normal(size=1), generator.choice([0.25, 0.5, 0.75], size=1)
        return p | {"router.weight": representable(weight), "router.bias": representable(bias), "theta": theta}


def clear(*shape: int, score: float | None = None):
    """Inputs for `Clear`: a function that draws an array of this shape; feature 0 decides, the others are normal.

    score: of every token's feature 0, None for one of four.
    """

    def draw(g: np.random.Generator) -> tuple[np.ndarray]:
        x = g.normal(size=shape)
        x[..., 0] = g.choice([-1.75, -0.6, 0.6, 1.75] if score is None else [score], size=shape[:-1])
        x[..., 0] *= g.uniform(0.95, 1.05, shape[:-1])
        return (x,)

    return draw


def point(spec: Any, g: np.random.Generator, *shape: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters as in `Clear` for `spec`, and an input of this shape."""
    return Clear("", spec, None).parameters(g), representable(clear(*shape)(g)[0])


def _dense(spec, evaluate, g):
    p, x = point(spec, g, 3, 7, 8)
    p |= {"theta": np.zeros(1)}
    dense = 2 * spec.score(p, x) * evaluate(spec.inner, below(p, "inner"), "__call__", x)
    return evaluate(spec, p, "__call__", x), dense


def _rest(spec, evaluate, g):
    p, x = point(spec, g, 3, 7, 8)
    p |= {"router.weight": np.zeros((1, 8)), "router.bias": np.zeros(1), "theta": np.zeros(1)}
    return evaluate(spec, p, "__call__", x), evaluate(spec.inner, below(p, "inner"), "__call__", x)


def _line(spec, evaluate, g):
    # Every score is 1/2 exactly, and theta below it by e, on it, or above.
    p, x = point(spec, g, 3, 7, 8)
    p |= {"router.weight": np.zeros((1, 8)), "router.bias": np.zeros(1)}
    f, e = evaluate(spec.inner, below(p, "inner"), "__call__", x), 2.0 ** -g.integers(3, 20)
    outputs = [evaluate(spec, p | {"theta": np.array([0.5 - each])}, "__call__", x) for each in (e, 0.0, -e)]
    return np.stack(outputs), np.stack([2 * e * f, 0 * f, 0 * f])


def _skipping(spec, evaluate, g):
    # Some tokens pass; all of them; none.
    p, x = point(spec, g, 3, 7, 8)
    given = [p | {"theta": theta} for theta in (p["theta"], np.zeros(1), np.ones(1))]
    return tuple(np.stack([evaluate(spec, q, method, x) for q in given]) for method in ("skipping", "__call__"))


def _work(spec, evaluate, g):
    # f is not 0 at any of these tokens: the rows that are not 0 are those for which it was computed.
    p, x = point(spec, g, 3, 7, 8)
    computed = evaluate(spec, p, "skipping", x).any(-1)
    return evaluate(spec, p, "load", x), np.array([computed.sum(), (~computed).sum()])


def _bounded(spec, evaluate, g):
    p, x = point(spec, g, 50, 8)
    theta = g.choice([-spec.rate, 0.0, 0.5, 1.0], size=1)
    theta = evaluate(spec, p | {"theta": theta}, "rebalanced", _load(spec, evaluate, p | {"theta": theta}, x))
    return np.clip(theta, -spec.rate, 1), theta


def _share(spec, evaluate, g):
    coarse = replace(spec, rate=2.0**-4)
    p, x = point(coarse, g, 16, 8)
    p |= {"theta": coarse.rate * g.integers(-1, 17, 1)}
    for _ in range(17):
        p |= {"theta": evaluate(coarse, p, "rebalanced", _load(coarse, evaluate, p, x))}
    score, passing = np.sort(coarse.score(p, x).ravel()), int(16 * coarse.target)
    low, high = score[-passing - 1], score[-passing]  # a threshold between these lets the target pass
    return np.clip(p["theta"], low - coarse.rate, high + coarse.rate), p["theta"]


def _load(spec, evaluate, p, x):
    return evaluate(spec, p, "load", x).astype(int)


def theorems(plain: Any, gated: Any) -> tuple[Theorem, ...]:
    """plain, gated: references of width 8, for targets of 1/2 and 1/4."""

    def theorem(name: str, statement: str, sides: Callable, spec: Any, length: int, exact: bool = False) -> Theorem:
        return Theorem(f"sparse: {name}", statement, partial(sides, spec), length, exact)

    return (
        theorem("dense", "theta = 0 gives 2 s(x) f(x)", _dense, gated, 64),
        theorem("rest", "theta = 0, w = 0, b = 0 gives f(x) to the last bit", _rest, plain, 0, exact=True),
        theorem("line", "y is 2 (s - theta) f above the line, 0 on it and below", _line, gated, 0, exact=True),
        causality("sparse", gated, lambda g: (g.normal(size=(2, 9, 8)),)),
        theorem("the same", "computing f where a token passes alone changes nothing", _skipping, plain, 64),
        theorem("work", "as many tokens are computed as are counted", _work, gated, 0, exact=True),
        theorem("bounded", "-rate <= theta <= 1, to the last bit", _bounded, plain, 0, exact=True),
        theorem("share", "theta comes within rate of the target's threshold", _share, gated, 0, exact=True),
    )
