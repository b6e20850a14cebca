"""The theorems of E1, the regular simplex (`personas.euclid.moe`)."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from personas.case import Case, Theorem, representable
from personas.euclid.cells import posed, squares
from personas.euclid.moe import CONTRACT, MOST, ONE, SMALL, SimplexExperts
from personas.euclid.norm import TINY
from personas.euclid.simplex import motion, simplex


def _regular(evaluate, g):
    n = int(g.integers(2, 18))
    spec = SimplexExperts(16, 1, n, 1)
    v = evaluate(spec, Case("", spec, None).parameters(g), "vertices")
    apart, squared = 1 - np.eye(n), ((v[:, None] - v) ** 2).sum(-1)
    found = v @ v.T, squared, v.sum(0)[None]
    expected = np.eye(n) - apart / (n - 1), 2 * n / (n - 1) * apart, np.zeros((1, 16))
    return tuple(np.concatenate([part.ravel() for part in parts]) for parts in (found, expected))


def _permuted(evaluate, g):
    p, x = posed(g, SMALL, 30)
    order, vertices = g.permutation(4), simplex(4, 8)
    moved = p | {"beta": p["beta"][order]}
    return evaluate(SMALL, moved, "route", x, vertices[order]), evaluate(SMALL, p, "route", x, vertices)[:, order]


def _congruent(evaluate, g):
    p, x = posed(g, SMALL, 30, beta=np.full(4, 0.75))
    order, v = g.permutation(4), simplex(4, 8)
    return evaluate(SMALL, p, "route", x @ motion(v, order).T, v)[:, order], evaluate(SMALL, p, "route", x, v)


def _turned(evaluate, g):
    p, x = posed(g, SMALL, 30)
    turn, v = np.linalg.qr(g.normal(size=(8, 8)))[0], simplex(4, 8)
    return evaluate(SMALL, p, "route", x @ turn.T, v @ turn.T), evaluate(SMALL, p, "route", x, v)


def _radical(evaluate, g):
    # Points of the sphere a little before and a little beyond the plane of two vertices, all others being farther.
    v, p = simplex(5, 8), posed(g, ONE, 1)[0]
    one, other = g.permutation(5)[:2]
    apart = np.linalg.norm(v[one] - v[other])
    axis, middle = (v[one] - v[other]) / apart, (v[one] + v[other]) / 2
    height = (p["beta"][other] - p["beta"][one]) / (2 * apart) + np.array([[-1], [1]]) / 64
    while True:
        along = 2 * middle + g.normal(size=8) / 2
        along -= (along @ axis) * axis
        x = height * axis + np.sqrt(1 - height**2) * along / np.linalg.norm(along)
        depth = x @ v.T + p["beta"] / 2
        if (np.delete(depth, (one, other), axis=1).max(1) < depth[:, [one, other]].min(1) - 0.1).all():
            return evaluate(ONE, p, "route", x, v), np.eye(5)[[other, one]]


def _convex(evaluate, g):
    # Below TINY `unit` divides by TINY, so that points within the sphere can be asked as well.
    spec, v = SimplexExperts(8, 1, 5), simplex(5, 8)
    p, share = {"beta": squares(5)}, g.random((40, 1))
    p |= {name: value for name, value in Case("", spec, None).parameters(g).items() if name not in p}
    ends = np.zeros((2, 40, 8))
    while (poor := _poor(spec, p, ends)).any():
        points = g.normal(size=(2, poor.sum(), 8))
        ends[:, poor] = TINY * 0.98 * points / np.linalg.norm(points, axis=-1, keepdims=True)
    between = share * ends[0] + (1 - share) * ends[1]
    return evaluate(spec, p, "route", between, v) > 0, spec.route(p, ends[0], v) > 0


def _poor(spec: SimplexExperts, p: dict[str, np.ndarray], ends: np.ndarray) -> np.ndarray:
    """Which pairs of points (2, n, d) have not the same experts, or lie near a tie."""
    one, other = (spec.route(p, end, simplex(spec.n_expert, spec.n_embd)) > 0 for end in ends)
    return (one != other).any(-1) | (spec.gaps(p, ends) < 0.05).any(0)


def _sparse(evaluate, g):
    p, x = posed(g, MOST, 3, 9)
    return evaluate(MOST, p, "__call__", x), evaluate(MOST, p, "dense", x)


def _counted(evaluate, g):
    # Experts that say which they are: y lists the weights, which are those of the distances, whatever beta.
    spec = SimplexExperts(8, 1, 5)
    p, x = posed(g, spec, 3, 9)
    x[..., 7] = 1
    while (near := spec.gaps(p, x) < 0.1).any():
        x[near, :7] = representable(g.normal(size=(near.sum(), 7)))
    p |= {"up.weight": np.tile(np.eye(8)[[0, 7]] * [[0], [1]], (5, 1)), "down.weight": np.eye(8, 5)}
    squared = ((x[..., None, :] / np.linalg.norm(x, axis=-1)[..., None, None] - simplex(5, 8)) ** 2).sum(-1)
    power = squared - p["beta"]
    held = power <= np.sort(power, axis=-1)[..., 1:2]
    expected = softmax(np.where(held, -squared / (2 * spec.tau), -np.inf), axis=-1)
    y, load = evaluate(spec, p, "__call__", x)[..., :5], evaluate(spec, p, "load", x)
    return np.concatenate([y.ravel(), y.sum(-1).ravel(), load / 27, [load.sum() / 54]]), np.concatenate(
        [expected.ravel(), np.ones(27), held.sum((0, 1)) / 27, [1]]
    )


def _alone(evaluate, g):
    p, x = posed(g, SMALL, 40)
    alone = np.concatenate([evaluate(SMALL, p, "__call__", token) for token in x[:, None]])
    return alone, evaluate(SMALL, p, "__call__", x)


def _tie(evaluate, g):  # At x = 0 without circles all powers are equal, and the first k serve every token.
    p = Case("", CONTRACT, None).parameters(g) | {"beta": np.zeros(8)}
    return evaluate(CONTRACT, p, "load", np.zeros((2, 3, 32))), np.repeat([6, 0], [2, 6])


def _bounded(evaluate, g):
    # From the edge of what beta can reach: one circle as far above a few as these are above the others.
    spec, steps = CONTRACT, np.floor(2 * np.sqrt(2 * 8 / 7) / CONTRACT.rate) + 2
    beta = g.permutation(np.repeat([2, 1, 0], [1, 2, 5])) * spec.rate * (steps - g.integers(0, 2))
    p, x = Case("", spec, None).parameters(g) | {"beta": beta}, representable(3 * g.normal(size=(50, 32)))
    after = np.sort(evaluate(spec, p, "balanced", evaluate(spec, p, "load", x).astype(int)))
    found = np.concatenate([after, [after[-1] - after[-1 - spec.k], after[-spec.k] - after[0], after[0]]])
    return np.minimum(found, spec.rate * steps * np.repeat([2, 1, 0], [8, 2, 1])), found


THEOREMS = (
    Theorem("simplex: regular", "|v| = 1, v.v' = -1/(E-1), equal distances, sum 0", _regular, length=16),
    Theorem("simplex: permuted", "experts in another order have the same tokens", _permuted, length=64),
    Theorem("simplex: congruent", "a motion that permutes the vertices permutes the routing", _congruent, length=64),
    Theorem("simplex: turned", "tokens and simplex turned together are routed as before", _turned, length=64),
    Theorem("simplex: radical", "the choice of two changes at their radical plane", _radical, length=0, exact=True),
    Theorem("simplex: convex", "what lies between two points of a cell is in it", _convex, length=0, exact=True),
    Theorem("simplex: sparse", "sparse = dense", _sparse, length=64),
    Theorem("simplex: counted", "weights are those of the distances, each token served k times", _counted, length=64),
    Theorem("simplex: alone", "each token is served once, whatever the others are", _alone, length=64),
    Theorem("simplex: tie", "at a tie the lower index, to the last token", _tie, length=0, exact=True),
    Theorem("simplex: bounded", "0 <= beta <= 4 s + 4 rate, to the last bit", _bounded, length=0, exact=True),
)
