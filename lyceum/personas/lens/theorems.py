"""The theorems of `lyceum.personas.lens`, for any model: whatever its layers, they are causal and write into a sum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.personas.lens import Lens
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.names import below

LENGTH = 6  # tokens of a text, two texts
DEPTH = 512  # roundings one after the other: two blocks, norm and head of width 8, about a hundred each


def texts(g: np.random.Generator, n_vocab: int) -> tuple[np.ndarray, ...]:
    """ids, targets and other ids, (2, LENGTH) int32 each."""
    return tuple(g.integers(0, n_vocab, size=(3, 2, LENGTH)).astype(np.int32))


def theorems(name: str, spec: Lens, n_vocab: int) -> tuple[Theorem, ...]:
    """The theorems for one model with a memory over n_vocab ids."""

    def theorem(title: str, statement: str, sides: Callable, length: int = 0) -> Theorem:
        return Theorem(f"{name}: {title}", statement, sides, length, exact=not length)

    def drawn(g: np.random.Generator) -> tuple[dict[str, np.ndarray], tuple[np.ndarray, ...]]:
        return Case("", spec, None).parameters(g), texts(g, n_vocab)

    def terms(evaluate, g):
        p, (ids, targets, _) = drawn(g)
        x = spec.skeleton.norm(p, evaluate(spec, p, "terms", ids).sum(2))
        log_prob = spec.modules["vocabulary"].log_prob(below(p, "vocabulary"), x, targets)
        return log_prob, evaluate(spec, p, "log_prob", ids, targets)

    def patched(value: int) -> Callable:
        def sides(evaluate, g):
            p, (ids, targets, other) = drawn(g)
            where = np.full((*ids.shape, len(spec.sites())), value, np.int32)
            left = evaluate(spec, p, "patched", ids, targets, other, where)
            return left, evaluate(spec, p, "log_prob", other if value else ids, targets)

        return sides

    def later(evaluate, g):
        p, (ids, targets, other) = drawn(g)
        where = g.integers(0, 2, size=(*ids.shape, len(spec.sites()))).astype(np.int32)
        where[:, : (t := int(g.integers(1, LENGTH)))] = 0
        left = evaluate(spec, p, "patched", ids, targets, other, where)
        return left[:, :t], evaluate(spec, p, "log_prob", ids, targets)[:, :t]

    def mixture(evaluate, g):
        p, (ids, targets, _) = drawn(g)
        memory = spec.modules["memory"]
        parts = memory.weight.shape[0] - 1
        features = representable(g.normal(size=(*ids.shape, memory.weight.shape[1] - 3)))
        offsets, log_probs = representable(g.normal(size=(2, *ids.shape, parts)) - 2)
        uncertainty = evaluate(spec.modules["vocabulary"], below(p, "vocabulary"), "uncertainty", _read(spec, p, ids))
        model = evaluate(spec, p, "log_prob", ids, targets)
        mixed = evaluate(memory, {}, "log_prob", model, uncertainty, features, offsets, log_probs)
        weights = evaluate(spec, p, "memory_weights", ids, features, offsets)
        return (weights * np.exp(np.concatenate([model[..., None], log_probs], -1))).sum(-1), np.exp(mixed)

    return (
        theorem("stream", "norm and head of the sum of the terms give the log probability", terms, DEPTH),
        theorem("patch nothing", "patching nothing changes nothing", patched(0)),
        theorem("patch everything", "patching everything gives the other run", patched(1)),
        theorem("patch later", "patching from a position on changes nothing before it", later),
        theorem("mixture", "weights times parts are the probability of the mixture", mixture, DEPTH),
    )


def _read(spec: Lens, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
    """What the head reads, (B, T, d)."""
    return spec.skeleton.norm(p, spec.terms(p, ids).sum(2))
