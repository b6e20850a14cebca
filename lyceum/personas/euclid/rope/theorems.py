"""The theorems of E5, two mirrors (`lyceum.personas.euclid.rope`), for four heads of width 8."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from lyceum.personas.baseline.attention import turned
from lyceum.personas.spec.case import Case, Theorem, representable


def theorems(spec: Any) -> tuple[Theorem, ...]:
    """The theorems of `spec`, four heads of width 8, as in the contract."""

    def _drawn(g: np.random.Generator, gain: float | None = None) -> dict[str, np.ndarray]:
        """Parameters in general position; all gains equal `gain`, if it is given."""
        p = Case("", spec, None, noise=0.7).parameters(g)
        return p if gain is None else p | {"gain": np.full_like(p["gain"], gain)}

    def _frame(evaluate, p: dict[str, np.ndarray]) -> np.ndarray:
        return evaluate(spec, p, "rotation", np.zeros(1), np.zeros((1, 1), np.int32))[2]

    def _orthogonal(evaluate, g):
        q = _frame(evaluate, _drawn(g, gain=1.0))
        return q.swapaxes(1, 2) @ q, np.broadcast_to(np.eye(8), q.shape)

    def _matrices(evaluate, p: dict[str, np.ndarray], position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """rot(t theta) Q^T diag(g) of each head at each position (1, T), (H, T, w, w), and the frame (H, w, w)."""
        cos, sin, frame = evaluate(spec, p, "rotation", np.zeros(1), position)
        rows = np.broadcast_to(frame[:, None], (4, position.size, 8, 8))
        return turned(rows, cos[0, :, :, None], sin[0, :, :, None]).swapaxes(2, 3), frame

    def _difference(evaluate, g):
        p, (t, s) = _drawn(g, gain=1.0), g.integers(-9, 10, (2, 1, 6)).astype(np.int32)
        (at_t, q), (at_s, _), (between, _) = (_matrices(evaluate, p, position) for position in (t, s, s - t))
        return at_t.swapaxes(2, 3) @ at_s, q[:, None] @ between

    def _relative(evaluate, g):
        p, (q, k) = _drawn(g), representable(g.normal(size=(2, 2, 4, 6, 8)))
        at_query, at_key, shift = g.integers(-9, 10, (3, 2, 6)).astype(np.int32)

        def score(by):
            return (evaluate(spec, p, "turn", q, at_query + by) * evaluate(spec, p, "turn", k, at_key + by)).sum(-1)

        return score(shift), score(0 * shift)

    def _twice(evaluate, g):
        # All mirrors but the first two come in equal pairs, so Q is the turn of the first two.
        mirrors = representable(g.normal(size=(4, 4, 1, 8))).repeat(2, axis=2).reshape(4, 8, 8)
        mirrors[:, 1] = representable(g.normal(size=(4, 8)))
        p = _drawn(g, gain=1.0) | {"mirrors": mirrors.ravel()}
        q = _frame(evaluate, p)
        (one, other), both = np.moveaxis(mirrors[:, :2], 1, 0), mirrors[:, :2]
        first = one / np.linalg.norm(one, axis=-1, keepdims=True)
        rest = other - (other * first).sum(-1, keepdims=True) * first
        angle = np.arctan2(np.linalg.norm(rest, axis=-1), (other * first).sum(-1))[:, None]
        second = rest / np.linalg.norm(rest, axis=-1, keepdims=True)
        apart = np.eye(8) - np.linalg.pinv(both) @ both  # the projection onto the complement of both
        # From the second mirror to the first: the turn is by -2a.
        turn = np.cos(2 * angle) * first - np.sin(2 * angle) * second
        left = np.concatenate([q @ first[..., None], q @ apart], axis=-1)
        return left, np.concatenate([turn[..., None], apart], axis=-1)

    def _absorbed(evaluate, g):
        p, x = _drawn(g, gain=1.5), g.normal(size=(2, 4, 6, 8))
        position = g.integers(-9, 10, (2, 6)).astype(np.int32)
        still = p | {"mirrors": np.ones_like(p["mirrors"])}  # equal mirrors: Q = 1
        x = representable(x)
        q = _frame(evaluate, p | {"gain": np.ones(32)})
        return evaluate(spec, p, "turn", x, position), evaluate(spec, still, "turn", x @ q, position)

    def _continuation(evaluate, g):
        p, x = _drawn(g), representable(g.normal(size=(3, 20, 8)))
        ids, cuts = np.zeros((3, 20), np.int32), 1 + np.flatnonzero(g.random(19) < 0.5)
        (cache,), rotations = spec.start(3), []
        for first, end in pairwise((0, *cuts, 20)):
            cache, _, *rotation = evaluate(spec, p, "step", cache, x[:, first:end], ids[:, first:end])
            cache = cache.astype(np.int32)
            rotations.append(rotation)
        _, cos, sin, frame = evaluate(spec, p, "__call__", x, ids)
        pieces = [np.concatenate(parts, axis=2) for parts in zip(*(turn[:2] for turn in rotations), strict=True)]
        left = [*pieces, *(turn[2] for turn in rotations)]
        right = [*np.broadcast_to(np.stack([cos, sin]), (2, *pieces[0].shape)), *(frame for _ in rotations)]
        return tuple(np.concatenate([y.ravel() for y in side]) for side in (left, right))

    return (
        Theorem("mirrors: orthogonal", "Q^T Q = 1", _orthogonal, length=64),
        Theorem("mirrors: difference", "R_t^T R_s = R_{s-t}", _difference, length=200),
        Theorem("mirrors: relative", "the score depends on the difference of positions alone", _relative, length=200),
        Theorem("mirrors: twice the angle", "two mirrors turn by twice their angle, in their plane", _twice, length=64),
        Theorem("mirrors: absorbed", "with equal gains, planes Q for x are planes 1 for Q^T x", _absorbed, length=100),
        Theorem("mirrors: continuation", "positions go on from the cached one", _continuation, length=4),
    )
