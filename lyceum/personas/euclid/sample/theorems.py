"""The theorems of arithmetic sampling (`lyceum.personas.euclid.sample`), about the tokens that are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample.golden import gaps, sequence
from lyceum.personas.properties.samplers import ROUNDING, V, logits_of
from lyceum.personas.spec.case import Theorem, representable

WIDE = 2**32


def theorems(section: Callable) -> tuple[Theorem, ...]:
    """The theorems of `section`, the class of the reference."""

    def about(sides):
        return lambda evaluate, g: sides(evaluate, g, section)

    return (
        Theorem("section: law", "every text has as many codes as its shares say", about(_law), 1, exact=True),
        Theorem("section: ends", "cells are exact at their ends, the law to 1 / W", about(_cell), 1, exact=True),
        Theorem("section: three gaps", "between tokens drawn from equal weights", about(_three_gaps), 1, exact=True),
        Theorem("section: apart", "no text is repeated that is rarer than the least gap", about(_apart), 1, exact=True),
        Theorem("section: covered", "every text above the greatest gap is drawn", about(_covered), 1, exact=True),
        Theorem("section: clearance", "within it, the same tokens are drawn", about(_clearance), 1, exact=True),
    )


def _drawn(evaluate, spec, logits, code):
    return evaluate(spec, {}, "draw", logits, *code[:2]).astype(np.int64)


def _law(evaluate, g, section):
    """Counts, not samples: all u_0 and all fresh bits of three tokens, whose laws depend on the text so far."""
    law = (Plain(), Plain(0.8, 2), Plain(top_p=0.8))[g.integers(3)]
    spec, size, tokens = section(law, 4, int(g.choice([0, 2, 3, 99]))), 3, 3
    table = representable(g.normal(size=(40, size)))
    *fresh, first = np.indices(tokens * (16,)).reshape(tokens, -1)
    code = spec.start(first, np.full_like(first, g.integers(1000)))
    text, share, total = np.ones_like(first), np.ones_like(first), np.ones_like(first)
    for step in range(tokens):
        code = spec.refill(code, fresh[step - 1] if step else first)
        total *= code[1]
        draws = _drawn(evaluate, spec, table[text], code)
        code = spec.cut(code, draws)
        share *= code[1]
        text = size * text + draws[:, 0]
    counts = np.bincount(text)[text]
    return counts * total, len(text) * share


def _cell(evaluate, g, section):
    spec, logits = section(Plain(0.9, 20)), logits_of(g, 8)
    width = g.integers(WIDE // 2, WIDE, 8, endpoint=True)
    code = (g.integers(0, width), width, 0 * width)
    draws = _drawn(evaluate, spec, logits, code)
    point, size, _ = spec.cut(code, draws)
    low = code[0] - point
    ends = [_drawn(evaluate, spec, logits, (x, width))[:, 0] for x in (low, low + size - 1)]
    beside = [_drawn(evaluate, spec, logits, (x % width, width))[:, 0] != draws[:, 0] for x in (low - 1, low + size)]
    near = np.abs(size * draws[:, 1] - (draws[:, 5] - draws[:, 4]) * width) < draws[:, 1]
    return np.stack([*ends, *beside, near]), np.stack([draws[:, 0], draws[:, 0], *np.ones((3, 8))])


def _three_gaps(evaluate, g, section):
    spec, n = section(bits=8), int(g.integers(2, 60))
    code = spec.start(int(g.integers(256)), np.arange(n))
    ids = _drawn(evaluate, spec, np.zeros((n, 256)), code)[:, 0]
    lengths = np.unique(gaps(ids, 8))
    summed = len(lengths) < 3 or lengths[2] == lengths[0] + lengths[1]
    return np.array([*ids, len(lengths) <= 3, summed]), np.array([*code[0], 1, 1])


def _apart(evaluate, g, section):
    """Until every code is renewed, with laws that depend on the text so far."""
    spec, n = section(Plain(float(g.uniform(0.5, 2))), 32, 8), int(g.integers(2, 100))
    table, ranks = representable(g.normal(size=(64, 9))), np.arange(n)
    first = int(g.integers(WIDE))
    code, text, again = spec.start(first, ranks), np.zeros((n, 0), np.int64), 0
    least = gaps(sequence(first, ranks, 32), 32).min() / WIDE
    while (code[2] < spec.shared).any():
        code = spec.refill(code, g.integers(0, WIDE, n))
        draws = _drawn(evaluate, spec, table[text.sum(1) * 7 % 64 if text.size else 0 * ranks], code)
        code = spec.cut(code, draws)
        text = np.concatenate([text, draws[:, :1]], axis=1)
        _, row, count = np.unique(text, axis=0, return_inverse=True, return_counts=True)
        twice = (count[row.ravel()] > 1) & (code[2] < spec.shared)
        again += (code[1][twice] * 2.0 ** -(32.0 + code[2][twice]) < least - 1 / WIDE).sum()
    return np.array([again, len(np.unique(text, axis=0))]), np.array([0, n])


def _covered(evaluate, g, section):
    spec, n, logits = section(), int(g.integers(2, 100)), representable(1.5 * g.normal(size=(1, 12)))
    code = spec.start(int(g.integers(WIDE)), np.arange(n))
    ids = _drawn(evaluate, spec, np.repeat(logits, n, axis=0), code)[:, 0]
    weight = evaluate(spec, {}, "weights", logits)[0]
    due = weight / weight.sum() > (gaps(code[0], 32).max() + 1) / WIDE
    return due & np.isin(np.arange(12), ids), due


def _clearance(evaluate, g, section):
    spec, logits, point = section(Plain(0.9, 30, 0.95)), logits_of(g, 20), g.integers(0, WIDE, 20)
    width = np.full(20, WIDE)
    ids = _drawn(of_reference, spec, logits, (point, width))[:, 0]
    margin = np.array([spec.clearance(row, x, WIDE) for row, x in zip(logits, point, strict=True)])
    sure = margin > 2 * ROUNDING
    reach = np.minimum(np.where(sure, margin - ROUNDING, 0), 3)[:, None]
    moved = representable(logits + reach * g.choice([-1, 1], size=(20, V)))
    return np.where(sure, _drawn(evaluate, spec, moved, (point, width))[:, 0], ids), ids


def of_reference(spec, p, method, *inputs):
    """The reference's answer."""
    return getattr(spec, method)(p, *inputs)
