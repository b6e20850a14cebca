"""The theorems of A15, many predicates (`lyceum.personas.aristotle.superpose`), each about a random superposition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from lyceum.personas.spec.case import Case, Theorem

IDS = np.arange(45, dtype=np.int32)[None]


def unbound(spec, e: np.ndarray) -> np.ndarray:
    """R_k^T e of every predicate: e (..., d) -> (..., K, d)."""
    x, y = (half[..., None, :] for half in np.split(e, 2, axis=-1))
    cos, sin = np.cos(spec.angles), np.sin(spec.angles)
    return np.concatenate([cos * x + sin * y, cos * y - sin * x], axis=-1)


def projected(random, evaluate, g, planes: Callable[[int, int], np.ndarray]):
    """P_k R_k^T e and a_k, (V, K, d) each, and P, (K, d): predicate k lies in the planes (K, n) of row k."""
    spec = random(g, n_embd=28)
    n_predicates = spec.rows.shape[1]
    # Every predicate of every id has a row of its own, so that none is shared.
    spec = replace(spec, rows=np.arange(spec.rows.size, dtype=np.int32).reshape(spec.rows.shape))
    projection = np.tile(planes(n_predicates, 14), 2)
    p = Case("", spec, None).parameters(g)
    p |= {"embed_predicate": p["embed_predicate"] * np.tile(projection, (45, 1))}
    got = projection * unbound(spec, evaluate(spec, p, "embed", IDS)[0])
    return got, p["embed_predicate"][spec.rows], projection


def _recovery(random, evaluate, g):
    # Each predicate has the planes whose number leaves its number on division by K.
    got, a, _ = projected(random, evaluate, g, lambda k, n: np.arange(k)[:, None] == np.arange(n) % k)
    return got, a


def _crosstalk(random, evaluate, g):
    got, a, projection = projected(random, evaluate, g, lambda k, n: g.random((k, n)) < 0.1)
    shared = (projection @ projection.T > 0) & ~np.eye(len(projection), dtype=bool)
    crosstalk = np.linalg.norm(got - a, axis=-1)
    return np.minimum(crosstalk, np.linalg.norm(a, axis=-1) @ shared), crosstalk


def _simplex(random, evaluate, g):
    # Id k says a of predicate k, and 0 of all others.
    spec = random(g, n_embd=12)
    n_predicates = spec.rows.shape[1]
    spec = replace(spec, rows=np.eye(n_predicates, dtype=np.int32))
    p, angle = Case("", spec, None).parameters(g), g.uniform(0, 2 * np.pi, 6)
    a = np.concatenate([np.cos(angle), np.sin(angle)]) / np.sqrt(6)
    e = evaluate(spec, p | {"embed_predicate": np.stack([0 * a, a])}, "embed", IDS[:, :n_predicates])[0]
    return e @ e.T, np.where(np.eye(n_predicates), 1, -1 / (n_predicates - 1))


def _order(random, evaluate, g):
    spec = random(g)
    p, (cos, sin) = Case("", spec, None).parameters(g), (np.cos(spec.angles[1]), np.sin(spec.angles[1]))
    x, y = np.split(evaluate(spec, p, "embed", IDS), 2, axis=-1)
    next_key = replace(spec, rows=np.roll(spec.rows, 1, axis=1))
    turned = np.concatenate([cos * x - sin * y, sin * x + cos * y], axis=-1)
    return turned, evaluate(next_key, p, "embed", IDS)


def _differ(random, evaluate, g):
    # Ids 0 and 1 differ in predicate k as ids 2 and 3 do.
    spec = random(g)
    k, (w, u) = g.integers(spec.rows.shape[1]), spec.rows[g.choice(45, 2, replace=False)]
    quartet = np.stack([w, w, u, u])
    quartet[:, k] = np.tile(g.choice(spec.rows[:, k], 2), 2)
    p, rows = Case("", spec, None).parameters(g), np.concatenate([quartet, spec.rows])
    e = evaluate(replace(spec, rows=rows), p, "embed", IDS[:, :4])[0]
    return e[0] + e[3], e[1] + e[2]


def theorems(random: Callable) -> tuple[Theorem, ...]:
    """random: (generator, n_embd=8) -> a superposition of K = 7 predicates over 45 ids."""

    def theorem(name: str, statement: str, sides: Callable, length: int) -> Theorem:
        return Theorem(f"superpose: {name}", statement, partial(sides, random), length)

    return (
        theorem("recovery", "predicates without a common plane are recovered exactly", _recovery, 32),
        theorem("crosstalk", "|P_k R_k^T e - a_k| <= sum_l |P_k R_k^T R_l P_l| |a_l|", _crosstalk, 32),
        theorem("simplex", "one vector under all keys makes a regular simplex", _simplex, 64),
        theorem("order", "turning e by a key binds each predicate by the next", _order, 32),
        theorem("one vector", "tokens that differ in one predicate differ by one vector", _differ, 32),
    )
