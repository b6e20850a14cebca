"""The theorems of E8, division with remainder (`lyceum.personas.euclid.tokenize`), each of a random tiny line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import log_softmax

from lyceum.personas.euclid.tokenize.remainders import number
from lyceum.personas.spec.case import Case, Theorem, representable


def theorems(tiny_line: Callable[[np.random.Generator], Any]) -> tuple[Theorem, ...]:
    """tiny_line: generator -> a reference of 45 ids in rows of 6 with three moduli and n_embd = 8."""

    def _drawn(g: np.random.Generator) -> tuple[Any, dict[str, np.ndarray], np.ndarray]:
        spec = tiny_line(g)
        return spec, Case("", spec, None).parameters(g), np.arange(45, dtype=np.int32)

    def _division(evaluate, g):
        spec, p, ids = _drawn(g)
        q, r, *_ = evaluate(spec, p, "remainders", ids).T
        return 6 * q + r, spec.rank

    def _remainders(evaluate, g):
        spec, p, ids = _drawn(g)
        left, (a, b) = evaluate(spec, p, "remainders", ids).astype(np.int64), g.choice(3, size=2, replace=False)
        return number(left[:, 2 + a], left[:, 2 + b], spec.moduli[a], spec.moduli[b]), spec.rank

    def _total(evaluate, g):
        spec, p, _ = _drawn(g)
        return np.exp(evaluate(spec, p, "log_probs", representable(g.normal(size=(4, 8))))).sum(-1), np.ones(4)

    def _path(evaluate, g):
        spec, p, ids = _drawn(g)
        x = np.broadcast_to(representable(g.normal(size=8)), (45, 8))
        return evaluate(spec, p, "log_prob", x, ids), evaluate(spec, p, "log_probs", x)[ids, ids]

    def _rates(evaluate, g):
        spec, p, ids = _drawn(g)
        # Normalised again, since the tables are rounded.
        row, column = (log_softmax(base.astype(np.float64), axis=-1) for base in (spec.base_row, spec.base_column))
        return evaluate(spec, p, "log_prob", np.zeros((45, 8)), ids), (row[:, None] + column).flat[spec.rank]

    return (
        Theorem("division: quotient", "n = C q + r, for every id", _division, length=0, exact=True),
        Theorem("division: remainders", "two remainders give every id's number", _remainders, length=0, exact=True),
        Theorem("division: total", "the probabilities of all V ids sum to 1", _total, length=3 * 45),
        Theorem("division: path", "a target has its probability in the full distribution", _path, length=64),
        Theorem("division: rates", "at x = 0 the probabilities are the base rates", _rates, length=64),
    )
