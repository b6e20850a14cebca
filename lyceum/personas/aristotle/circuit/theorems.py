"""The theorems of A23, Barbara (`lyceum.personas.aristotle.circuit`), about texts of 64 letters."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Theorem

LENGTH = 64
LEAST, OFF = 0.9999, 1e-5  # p(B), and the first head's weight elsewhere


def texts(g: np.random.Generator, n_letters: int) -> np.ndarray:
    """63 texts of 64 letters, int32: in row m the last letter stands at m too, and nowhere else."""
    rows = []
    for m in range(LENGTH - 1):
        last, *others = g.permutation(n_letters)
        text = g.choice(others, LENGTH)
        text[[m, -1]] = last
        rows.append(text)
    return np.array(rows, np.int32)


def seconds(ids: np.ndarray) -> tuple[np.ndarray, ...]:
    """ids (B, T) -> row, position and successor of the earlier one, of every letter that stands for the second time."""
    again = []
    for row, text in enumerate(ids):
        for t in range(len(text)):
            earlier = np.flatnonzero(text[:t] == text[t])
            if len(earlier) == 1:
                again.append((row, t, text[earlier[0] + 1]))
    return tuple(np.array(again).T)


def rotation(spec: Any, evaluate: Any, ids: np.ndarray) -> tuple[np.ndarray, ...]:
    """The rotation of the positions of ids (B, T)."""
    return tuple(evaluate(spec.positions, {}, "__call__", np.zeros((*ids.shape, 1)), ids)[1:])


def probabilities(spec: Any, evaluate: Any, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
    """p(B) wherever a letter stands for the second time."""
    row, t, successor = seconds(ids)
    log_p = evaluate(spec, p, "__call__", ids, *rotation(spec, evaluate, ids))
    return np.exp(log_p[row, t, successor])


def _barbara(spec, evaluate, g):
    p = probabilities(spec, evaluate, spec.initial(g, 1), texts(g, spec.hours**2))
    return np.clip(p, LEAST, 1 + 1e-6), p


def _previous(spec, evaluate, g):
    # Where the first head attends, and how far from the letter's code it writes.
    ids = g.integers(0, spec.hours**2, (4, LENGTH)).astype(np.int32)
    p, turn = spec.initial(g, 1), rotation(spec, evaluate, ids)
    attends = np.diagonal(evaluate(spec, p, "patterns", ids, *turn)[0][:, 0], -1, 1, 2)
    between = evaluate(spec, p, "states", ids, *turn)[1][:, 1:, 4:8]
    distance = np.linalg.norm(between - spec.codes()[ids[:, :-1]], axis=-1)
    return np.stack([np.maximum(attends, 1 - OFF), np.minimum(distance, 2 * OFF)]), np.stack([attends, distance])


def _wrong_sign(spec, name, rows, evaluate, g):
    p = spec.initial(g, 1)
    p[name] = p[name].copy()
    p[name][rows] *= -1
    mean = probabilities(spec, evaluate, p, texts(g, spec.hours**2)).mean()
    return np.minimum(mean, 0.2), mean


def theorems(spec: Any) -> tuple[Theorem, ...]:
    """spec: the network, whose first head stands in the first 8 rows of the projections."""
    wrong = {
        "the first head's scores": ("first.qkv.weight", slice(0, 8)),
        "the first head's letters": ("first.out.weight", slice(4, 8)),
        "the second head's scores": ("second.qkv.weight", slice(0, 8)),
        "the second head's letters": ("second.out.weight", slice(8, 12)),
    }
    statement = "p(B) < 1/5 in the mean"
    return (
        Theorem("circuit: Barbara", "p(B) >= 0.9999 after A B ... A", partial(_barbara, spec), 1, True),
        Theorem("circuit: the letter before", "the first head writes it", partial(_previous, spec), 1, True),
        *(
            Theorem(f"circuit: wrong sign, {what}", statement, partial(_wrong_sign, spec, *where), 1, True)
            for what, where in wrong.items()
        ),
    )
