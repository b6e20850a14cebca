"""The theorems of E1, the regular simplex (`lyceum.personas.euclid.moe`), each as a function of a reference."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.special import softmax

from lyceum.personas.euclid.moe.inputs import draw
from lyceum.personas.euclid.moe.simplex import motion, simplex
from lyceum.personas.spec.case import Case, Theorem, representable


def _vertices(spec: Any) -> np.ndarray:
    return simplex(spec.n_expert, spec.n_embd)


def _regular(spec, evaluate, g):
    n = int(g.integers(2, spec.n_embd + 2))
    spec = replace(spec, n_expert=n, k=1)
    v = evaluate(spec, Case("", spec, None).parameters(g), "vertices")
    apart, squared = 1 - np.eye(n), ((v[:, None] - v) ** 2).sum(-1)
    figure = v @ v.T, squared, v.sum(0)[None]
    expected = np.eye(n) - apart / (n - 1), 2 * n / (n - 1) * apart, np.zeros((1, spec.n_embd))
    return tuple(np.concatenate([part.ravel() for part in parts]) for parts in (figure, expected))


def _permuted(spec, evaluate, g):
    p, x = draw(g, spec, 30)
    order, v = g.permutation(spec.n_expert), _vertices(spec)
    moved = p | {"beta": p["beta"][order]}
    return evaluate(spec, moved, "route", x, v[order]), evaluate(spec, p, "route", x, v)[:, order]


def _congruent(spec, evaluate, g):
    p, x = draw(g, spec, 30, beta=np.full(spec.n_expert, 0.75))
    order, v = g.permutation(spec.n_expert), _vertices(spec)
    return evaluate(spec, p, "route", x @ motion(v, order).T, v)[:, order], evaluate(spec, p, "route", x, v)


def _turned(spec, evaluate, g):
    p, x = draw(g, spec, 30)
    turn, v = np.linalg.qr(g.normal(size=(spec.n_embd,) * 2))[0], _vertices(spec)
    return evaluate(spec, p, "route", x @ turn.T, v @ turn.T), evaluate(spec, p, "route", x, v)


def _radical(spec, evaluate, g):
    # Points of the sphere close to the radical plane of two vertices, on either side; all other vertices are farther.
    v, p = _vertices(spec), draw(g, spec, 1)[0]
    one, other = g.permutation(spec.n_expert)[:2]
    apart = np.linalg.norm(v[one] - v[other])
    axis, middle = (v[one] - v[other]) / apart, (v[one] + v[other]) / 2
    height = (p["beta"][other] - p["beta"][one]) / (2 * apart) + np.array([[-1], [1]]) / 64
    while True:
        along = 2 * middle + g.normal(size=spec.n_embd) / 2
        along -= (along @ axis) * axis
        x = height * axis + np.sqrt(1 - height**2) * along / np.linalg.norm(along)
        depth = x @ v.T + p["beta"] / 2
        if (np.delete(depth, (one, other), axis=1).max(1) < depth[:, [one, other]].min(1) - 0.1).all():
            return evaluate(spec, p, "route", x, v), np.eye(spec.n_expert)[[other, one]]


def _convex(spec, evaluate, g):
    # Below spec.tiny `unit` divides by it, so that points within the sphere can be tried as well.
    p, share, v = draw(g, spec, 1)[0], g.random((40, 1)), _vertices(spec)
    ends = np.zeros((2, 40, spec.n_embd))
    while (poor := _poor(spec, p, ends)).any():
        directions = g.normal(size=(2, poor.sum(), spec.n_embd))
        ends[:, poor] = spec.tiny * 0.98 * directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    between = share * ends[0] + (1 - share) * ends[1]
    return evaluate(spec, p, "route", between, v) > 0, spec.route(p, ends[0], v) > 0


def _poor(spec: Any, p: dict[str, np.ndarray], ends: np.ndarray) -> np.ndarray:
    """Which pairs of points (2, n, d) have different experts, or lie near a tie."""
    one, other = (spec.route(p, end, _vertices(spec)) > 0 for end in ends)
    return (one != other).any(-1) | (spec.gaps(p, ends) < 0.05).any(0)


def _sparse(spec, evaluate, g):
    p, x = draw(g, spec, 3, 9)
    return evaluate(spec, p, "__call__", x), evaluate(spec, p, "dense", x)


def _counted(spec, evaluate, g):
    # Each expert answers with its index: y lists the weights, which follow from the distances alone, not from beta.
    n, d = spec.n_expert, spec.n_embd
    p, x = draw(g, spec, 3, 9)
    x[..., -1] = 1
    while (near := spec.gaps(p, x) < 0.1).any():
        x[near, :-1] = representable(g.normal(size=(near.sum(), d - 1)))
    p |= {"up.weight": np.tile(np.eye(d)[[0, -1]] * [[0], [1]], (n, 1)), "down.weight": np.eye(d, n)}
    squared = ((x[..., None, :] / np.linalg.norm(x, axis=-1)[..., None, None] - _vertices(spec)) ** 2).sum(-1)
    power = squared - p["beta"]
    chosen = power <= np.sort(power, axis=-1)[..., spec.k - 1, None]
    expected = softmax(np.where(chosen, -squared / (2 * spec.tau), -np.inf), axis=-1)
    y, load = evaluate(spec, p, "__call__", x)[..., :n], evaluate(spec, p, "load", x)
    return np.concatenate([y.ravel(), y.sum(-1).ravel(), load / 27, [load.sum() / (27 * spec.k)]]), np.concatenate(
        [expected.ravel(), np.ones(27), chosen.sum((0, 1)) / 27, [1]]
    )


def _alone(spec, evaluate, g):
    p, x = draw(g, spec, 40)
    alone = np.concatenate([evaluate(spec, p, "__call__", token) for token in x[:, None]])
    return alone, evaluate(spec, p, "__call__", x)


def _tie(spec, evaluate, g):
    # At x = 0 without circles all powers are equal, and the first k experts serve every token.
    p = Case("", spec, None).parameters(g) | {"beta": np.zeros(spec.n_expert)}
    first = np.arange(spec.n_expert) < spec.k
    return evaluate(spec, p, "load", np.zeros((2, 3, spec.n_embd))), 6 * first


def _bounded(spec, evaluate, g):
    # From the bounds of beta: k - 1 circles are as far above two others as these are above the rest.
    n, k = spec.n_expert, spec.k
    steps = np.floor(2 * np.sqrt(2 * n / (n - 1)) / spec.rate) + 2
    beta = g.permutation(np.repeat([2, 1, 0], [k - 1, 2, n - k - 1])) * spec.rate * (steps - g.integers(0, 2))
    p, x = Case("", spec, None).parameters(g) | {"beta": beta}, representable(3 * g.normal(size=(50, spec.n_embd)))
    after = np.sort(evaluate(spec, p, "rebalanced", evaluate(spec, p, "load", x).astype(int)))
    sizes = np.concatenate([after, [after[-1] - after[-1 - k], after[-k] - after[0], after[0]]])
    return np.minimum(sizes, spec.rate * steps * np.repeat([2, 1, 0], [n, 2, 1])), sizes


def theorems(four: Any, most: Any, one: Any, five: Any, contract: Any) -> tuple[Theorem, ...]:
    """The theorems of these references: most has E = d + 1, one has k = 1, five has hidden = 1 and E < d."""
    regular, radical, congruent = partial(_regular, most), partial(_radical, one), partial(_congruent, four)
    convex, counted, bounded = partial(_convex, five), partial(_counted, five), partial(_bounded, contract)
    permuted, turned, alone = partial(_permuted, four), partial(_turned, four), partial(_alone, four)
    sparse, tie = partial(_sparse, most), partial(_tie, contract)
    return (
        Theorem("simplex: regular", "|v| = 1, v.v' = -1/(E-1), equal distances, sum 0", regular, length=16),
        Theorem("simplex: permuted", "experts in another order have the same tokens", permuted, length=64),
        Theorem("simplex: congruent", "a motion that permutes the vertices permutes the routing", congruent, length=64),
        Theorem("simplex: turned", "tokens and simplex turned together are routed as before", turned, length=64),
        Theorem("simplex: radical", "the choice of two changes at their radical plane", radical, length=0, exact=True),
        Theorem("simplex: convex", "a segment between tokens of a cell lies in the cell", convex, length=0, exact=True),
        Theorem("simplex: sparse", "sparse = dense", sparse, length=64),
        Theorem(
            "simplex: counted", "weights are those of the distances, each token served k times", counted, length=64
        ),
        Theorem("simplex: alone", "each token is served once, whatever the others are", alone, length=64),
        Theorem("simplex: tie", "at a tie the lower index is chosen, for every token", tie, length=0, exact=True),
        Theorem("simplex: bounded", "0 <= beta <= 4 s + 4 rate, to the last bit", bounded, length=0, exact=True),
    )
