"""The theorems of A16 (`lyceum.personas.aristotle.interpret`), and those of every lens for its models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.personas.lens import theorems as shared
from lyceum.personas.lens.theorems import DEPTH, texts
from lyceum.personas.spec.case import Case, Theorem, representable


def _sum(specs: tuple, n_vocab: int) -> Callable:
    def sides(evaluate, g):
        left, right = [], []
        for spec in specs:
            p, (ids, targets, _) = Case("", spec, None).parameters(g), texts(g, n_vocab)
            left.append(evaluate(spec, p, "contributions", ids, targets).sum(2).ravel())
            right.append(evaluate(spec, p, "logits", ids, targets).ravel())
        return np.concatenate(left), np.concatenate(right)

    return sides


def _siblings(spec) -> Callable:
    tree = spec.modules["vocabulary"]
    groups = tree.leaf // tree.shape[2]
    siblings = np.flatnonzero(groups == np.bincount(groups).argmax())

    def sides(evaluate, g):
        p, (ids, *_) = Case("", spec, None).parameters(g), texts(g, len(tree.leaf))
        pair = [np.full(ids.shape, w, np.int32) for w in g.choice(siblings, 2, replace=False)]
        first, second = (evaluate(spec, p, "contributions", ids, w).sum((2, 3)) for w in pair)
        log_probs = [evaluate(spec, p, "log_prob", ids, w) for w in pair]
        return first - second, log_probs[0] - log_probs[1]

    return sides


def _attention(mixers: tuple) -> Callable:
    def sides(evaluate, g):
        left, right = [], []
        for spec in mixers:
            p = Case("", spec, None).parameters(g) | {"out.weight": np.eye(8)}
            x = representable(g.normal(size=(2, 7, 8)))
            attention = evaluate(spec, p, "attention", x)
            y = attention @ (spec.values(p, x) if hasattr(spec, "values") else spec.parts(p, x)[2])
            left += [y.swapaxes(1, 2).reshape(x.shape), attention.sum(-1).ravel(), np.triu(attention, 1)]
            right += [evaluate(spec, p, "__call__", x), np.ones(attention[..., 0].size), np.zeros_like(attention)]
        return tuple(np.concatenate([x.ravel() for x in side]) for side in (left, right))

    return sides


def theorems(specs: tuple, mixers: tuple, n_vocab: int) -> tuple[Theorem, ...]:
    """specs: lenses of models over n_vocab ids; the first has a tree and a memory. mixers: of width 8, that attend."""
    return (
        Theorem("interpret: sum", "the contributions add up to the logits", _sum(specs, n_vocab), length=DEPTH),
        Theorem(
            "interpret: siblings", "within a species, logits differ as log probabilities do", _siblings(specs[0]), DEPTH
        ),
        Theorem("interpret: attention", "a head's output is its attention times its values", _attention(mixers), 128),
        *shared.theorems("interpret", specs[0], n_vocab),
    )
