"""The theorems of A15, many predicates (`lyceum.personas.aristotle.superpose`), each about a random superposition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from lyceum.personas.spec.case import Case, Theorem

IDS = np.arange(45, dtype=np.int32)[None]


def unbound(spec, e: np.ndarray) -> np.ndarray:
    """P R_k^T e of every predicate: e (..., d) -> (..., K, n)."""
    x, y = (half[..., None, :] for half in np.split(e, 2, axis=-1))
    return np.cos(spec.angles) * x + np.sin(spec.angles) * y


def owner(spec) -> np.ndarray:
    """The predicate of every row of the table, (rows,)."""
    return np.searchsorted(spec.rows.min(0), np.arange(spec.rows.max() + 1), side="right") - 1


def _crosstalk(random, evaluate, g):
    spec = random(g)
    p = Case("", spec, None).parameters(g)
    a = p["embed_predicate"][spec.rows]
    cosines = np.cos(spec.angles[:, None] - spec.angles)
    return unbound(spec, evaluate(spec, p, "embed", IDS)[0]), np.einsum("klj,vlj->vkj", cosines, a)


def _bound(random, evaluate, g):
    spec = random(g)
    p = Case("", spec, None).parameters(g)
    a = p["embed_predicate"][spec.rows]
    norms = np.abs(np.cos(spec.angles[:, None] - spec.angles)).max(-1) - np.eye(a.shape[1])
    crosstalk = np.linalg.norm(unbound(spec, evaluate(spec, p, "embed", IDS)[0]) - a, axis=-1)
    return np.minimum(crosstalk, np.linalg.norm(a, axis=-1) @ norms.T), crosstalk


def _recovery(random, evaluate, g):
    # Each predicate has planes of its own: those whose number leaves its number on division by K.
    spec = random(g, n_embd=28)
    p, planes = Case("", spec, None).parameters(g), np.arange(14) % spec.rows.shape[1]
    p |= {"embed_predicate": p["embed_predicate"] * (owner(spec)[:, None] == planes)}
    theirs = np.arange(spec.rows.shape[1])[:, None] == planes
    return theirs * unbound(spec, evaluate(spec, p, "embed", IDS)[0]), p["embed_predicate"][spec.rows]


def _apart(random, evaluate, g):
    # Id k n + j says the j-th unit vector of predicate k, and 0 of all others: its vector is column j of R_k.
    spec = random(g, n_embd=12)
    n_predicates, n = spec.rows.shape[1], 6
    values = np.kron(np.eye(n_predicates, dtype=np.int32), np.arange(1, n + 1, dtype=np.int32)[:, None])
    spec = replace(spec, rows=values + (n + 1) * np.arange(n_predicates, dtype=np.int32))
    p = Case("", spec, None).parameters(g)
    p |= {"embed_predicate": np.tile(np.eye(n + 1, n, k=-1), (n_predicates, 1))}
    keys = evaluate(spec, p, "embed", IDS[:, : n_predicates * n])[0].reshape(n_predicates, n, 2 * n)
    squares = (np.einsum("kid,ljd->klij", keys, keys) ** 2).sum((2, 3)) / n
    simplex = (n_predicates - 2) / (2 * (n_predicates - 1))
    return squares, np.where(np.eye(n_predicates), 1.0, simplex)


def _order(random, evaluate, g):
    spec = random(g)
    p, angles, n_predicates = Case("", spec, None).parameters(g), spec.angles, spec.rows.shape[1]
    x, y = np.split(evaluate(spec, p, "embed", IDS), 2, axis=-1)
    cos, sin = np.cos(angles[1]), np.sin(angles[1])
    turned = np.concatenate([cos * x - sin * y, sin * x + cos * y], axis=-1)
    # Beyond half a turn a line is the same line, the other way round.
    sign = np.where(angles + angles[1] > np.pi * (1 - 0.5 / n_predicates), -1, 1)
    next_key = replace(spec, rows=np.roll(spec.rows, 1, axis=1))
    signed = p | {"embed_predicate": p["embed_predicate"] * sign[owner(spec)]}
    return turned, evaluate(next_key, signed, "embed", IDS)


def _shared(random, evaluate, g):
    # Ids 0 and 1 differ in predicate k as ids 2 and 3 do.
    spec = random(g)
    k, (w, u) = g.integers(spec.rows.shape[1]), spec.rows[g.choice(45, 2, replace=False)]
    quartet = np.stack([w, w, u, u])
    quartet[:, k] = np.tile(g.choice(spec.rows[:, k], 2), 2)
    p, quartet = Case("", spec, None).parameters(g), np.concatenate([quartet, spec.rows])
    e = evaluate(replace(spec, rows=quartet), p, "embed", IDS[:, :4])[0]
    return e[0] + e[3], e[1] + e[2]


def theorems(random: Callable) -> tuple[Theorem, ...]:
    """random: (generator, n_embd=8) -> a superposition of K = 7 predicates over 45 ids."""

    def theorem(name: str, statement: str, sides: Callable, length: int) -> Theorem:
        return Theorem(f"superpose: {name}", statement, partial(sides, random), length)

    return (
        theorem("crosstalk", "P R_k^T e = sum_l cos(theta_k - theta_l) a_l", _crosstalk, 32),
        theorem("bounded crosstalk", "|P R_k^T e - a_k| <= sum_l |P R_k^T R_l P| |a_l|", _bound, 64),
        theorem("recovery", "predicates without a common plane are recovered exactly", _recovery, 16),
        theorem("apart", "the mean of cos^2 over planes is (K - 2) / (2 (K - 1)) for every pair", _apart, 64),
        theorem("order", "turning e by a key binds each predicate by the next", _order, 32),
        theorem("shared", "tokens that differ in one predicate differ by one vector", _shared, 32),
    )
