"""The theorems of A8, the categories (`lyceum.personas.aristotle.tokenize`), each about a random tree over 45 ids."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import log_softmax

from lyceum.personas.spec.case import Case, Theorem, representable


def _total(random_tree, evaluate, g):
    spec = random_tree(g)
    p, x = Case("", spec, None).parameters(g), representable(g.normal(size=(4, 8)))
    return np.exp(evaluate(spec, p, "log_probs", x)).sum(-1), np.ones(4)


def _path(random_tree, evaluate, g):
    spec = random_tree(g)
    p, ids = Case("", spec, None).parameters(g), np.arange(45, dtype=np.int32)
    x = np.broadcast_to(representable(g.normal(size=8)), (45, 8))
    return evaluate(spec, p, "log_prob", x, ids), evaluate(spec, p, "log_probs", x)[ids, ids]


def _flat(random_tree, evaluate, g):
    # One genus of one species: the flat softmax, in explicit form.
    spec = random_tree(g, shape=(1, 1))
    p, x = Case("", spec, None).parameters(g), representable(g.normal(size=(4, 8)))
    flat = log_softmax(x @ p["head_individual"].T + spec.base_individual[0, 0], axis=-1)
    return evaluate(spec, p, "log_probs", x), flat[:, spec.leaf]


def _inheritance(random_tree, evaluate, g):
    # If all vectors of individuals are 0, the tokens of one species have one embedding.
    spec = random_tree(g)
    p = (p := Case("", spec, None).parameters(g)) | {"embed_individual": np.zeros_like(p["embed_individual"])}
    ids = np.arange(45, dtype=np.int32)
    first = {group: w for w, group in reversed(list(enumerate(spec.leaf // spec.shape[2])))}
    same = np.array([first[group] for group in spec.leaf // spec.shape[2]], np.int32)
    return evaluate(spec, p, "embed", ids[None]), evaluate(spec, p, "embed", same[None])


def theorems(random_tree: Callable) -> tuple[Theorem, ...]:
    """random_tree: (generator, shape=(genera, species each)) -> a tree over 45 ids, of width 8."""

    def theorem(name: str, statement: str, sides: Callable, length: int) -> Theorem:
        return Theorem(f"tokenize: {name}", statement, partial(sides, random_tree), length)

    return (
        theorem("total", "the probabilities of all V ids sum to 1", _total, 3 * 45),
        theorem("path", "a target's probability is its entry in the full distribution", _path, 64),
        theorem("flat", "one genus of one species is the flat softmax", _flat, 64),
        theorem("inheritance", "with individuals at 0, a species has one embedding", _inheritance, 4),
    )
