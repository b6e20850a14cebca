"""The theorems of E16 (`lyceum.personas.euclid.interpret`), and those of every lens for its models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.personas.lens import theorems as shared
from lyceum.personas.lens.theorems import DEPTH, texts
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.names import below


def _drawn(spec, g: np.random.Generator, n_vocab: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    return Case("", spec, None).parameters(g), *texts(g, n_vocab)[:2]


def _sums(specs: tuple, n_vocab: int, method: str, total: Callable, other: str, of_other: Callable) -> Callable:
    """total of one method's output equals of_other of another's, for models."""

    def sides(evaluate, g):
        left, right = [], []
        for spec in specs:
            p, ids, targets = _drawn(spec, g, n_vocab)
            arguments = {"logits": (ids, targets), "contributions": (ids, targets)}
            left.append(total(evaluate(spec, p, method, *arguments.get(method, (ids,)))).ravel())
            right.append(of_other(evaluate(spec, p, other, *arguments.get(other, (ids,)))).ravel())
        return np.concatenate(left), np.concatenate(right)

    return sides


def squares(x: np.ndarray) -> np.ndarray:
    """x (..., d) -> squared lengths (...)."""
    return (x**2).sum(-1)


def _right_angles(spec, n_vocab: int) -> Callable:
    def sides(evaluate, g):
        p, ids, _ = _drawn(spec, g, n_vocab)
        pieces = evaluate(spec, p, "pieces", ids)
        gram = pieces @ pieces.swapaxes(-1, -2)
        return gram, np.eye(gram.shape[-1]) * squares(pieces)[..., None]

    return sides


def _cholesky(spec) -> Callable:
    def sides(evaluate, g):
        x = representable(g.normal(size=(3, 5, 8)))
        r = evaluate(spec, Case("", spec, None).parameters(g), "triangle", x)
        gram = x @ x.swapaxes(-1, -2)
        return np.stack([r, r.swapaxes(-1, -2) @ r]), np.stack([np.linalg.cholesky(gram).swapaxes(-1, -2), gram])

    return sides


def _isometry(spec) -> Callable:
    def sides(evaluate, g):
        p, x = Case("", spec, None).parameters(g), representable(g.normal(size=(3, 5, 8)))
        turn = np.linalg.qr(g.normal(size=(8, 8)))[0]
        return evaluate(spec, p, "triangle", x @ turn), evaluate(spec, p, "triangle", x)

    return sides


def _planes(spec) -> Callable:
    """The projections on the planes of the first block's values and of its heads' columns, by least squares."""

    def projections(rows: np.ndarray) -> np.ndarray:
        return np.linalg.pinv(rows) @ rows

    def sides(evaluate, g):
        p = Case("", spec, None).parameters(g)
        mixer = below(p, "blocks.0.mixer")
        written = projections(mixer["out.weight"].T.reshape(2, 4, 8))
        read = projections(mixer["qkv.weight"][16:].reshape(2, 4, 8))
        cosines = evaluate(spec, p, "cosines")[4:6, :2]
        return (cosines**2).sum((-1, -2)), np.einsum("rij,wji->rw", read, written)

    return sides


def theorems(specs: tuple, n_vocab: int) -> tuple[Theorem, ...]:
    """specs: models of E16 over n_vocab ids, the first with a memory, attention in its first block, and E9's norm."""

    def theorem(title: str, statement: str, sides: Callable, length: int = DEPTH) -> Theorem:
        return Theorem(f"pieces: {title}", statement, sides, length)

    stream = (specs, n_vocab, "pieces", lambda x: x.sum(-2), "terms", lambda x: x.sum(-2))
    squared = (specs, n_vocab, "pieces", lambda x: squares(x).sum(-1), "terms", lambda x: squares(x.sum(-2)))
    each = (specs, n_vocab, "coordinates", lambda r: squares(r.swapaxes(-1, -2)), "outputs", squares)
    logits = (specs, n_vocab, "contributions", lambda x: x.sum(2), "logits", lambda x: x)
    return (
        theorem("total", "the pieces add up to the residual stream", _sums(*stream)),
        theorem("Pythagoras", "their squared lengths add up to that of the stream", _sums(*squared)),
        theorem("columns", "squared coordinates add up to the squared length of what a layer wrote", _sums(*each)),
        theorem("right angles", "the pieces are perpendicular to each other", _right_angles(specs[0], n_vocab)),
        theorem("Cholesky", "R is upper triangular, and R^T R has the products of the vectors", _cholesky(specs[0])),
        theorem("isometry", "no rotation of all vectors changes R", _isometry(specs[0])),
        theorem("sum", "pieces and base rate add up to the logits", _sums(*logits)),
        theorem("planes", "squared cosines add up to the trace of two projections", _planes(specs[0])),
        *shared.theorems("pieces", specs[0], n_vocab),
    )
