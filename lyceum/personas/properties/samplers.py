"""The theorems that every sampler obeys."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from lyceum.personas.model.sampling import VARIATE_BITS, Sampler, variates
from lyceum.personas.spec.case import Theorem, representable

V, FEW, DRAWS = 37, 12, 100_000
ROUNDING = 1e-5  # nats: more than float32 moves logits below 16 on the way to weights


def logits_of(g: np.random.Generator, rows: int, size: int = V) -> np.ndarray:
    """Logits with a Zipf-like tail in random order, (rows, size)."""
    tail = np.tile(-2 * np.log(np.arange(1, size + 1)), (rows, 1))
    return representable(g.permuted(tail, axis=1) + g.normal(size=(rows, size)))


def theorems(name: str, specs: tuple[Sampler, ...]) -> tuple[Theorem, ...]:
    """The theorems about these samplers, one of which is drawn for each seed."""

    def about(sides):
        return lambda evaluate, g: sides(evaluate, g, specs[int(g.integers(len(specs)))])

    return (
        Theorem(f"sample: {name}, support", "the law sums to 1 over the allowed tokens", about(_support), length=V),
        Theorem(
            f"sample: {name}, mass",
            "a draw reports K, N, tokens allowed",
            about(_mass),
            1,
            exact=True,
        ),
        Theorem(f"sample: {name}, inverse", "each token has exactly its interval", about(_inverse), 1, exact=True),
        Theorem(f"sample: {name}, frequency", "chi-square of 10^5 draws", about(_frequency), 1, exact=True),
        Theorem(f"sample: {name}, clearance", "within it, the same token is drawn", about(_clearance), 1, exact=True),
    )


def _support(evaluate, g, spec):
    logits = logits_of(g, 5)
    law, allowed = evaluate(spec, {}, "__call__", logits), evaluate(spec, {}, "allowed", logits)
    return (law * allowed).sum(-1), np.ones(5)


def _mass(evaluate, g, spec):
    logits = logits_of(g, 5)
    n, allowed = evaluate(spec, {}, "weights", logits), evaluate(spec, {}, "allowed", logits)
    draws = evaluate(spec, {}, "draw", logits, variates(g, 5))
    weight = np.take_along_axis(n * allowed, draws[:, :1].astype(int), axis=1)
    assert (weight > 0).all(), "a token without weight was drawn"
    return draws[:, 1:], np.stack([(n * allowed).sum(-1), n.sum(-1), allowed.sum(-1)], axis=-1)


def _inverse(evaluate, g, spec):
    logits = logits_of(g, 1)
    weight = (evaluate(spec, {}, "weights", logits) * evaluate(spec, {}, "allowed", logits))[0]
    edges = [-(-int(f) * 2**VARIATE_BITS // int(weight.sum())) for f in np.cumsum(weight)]
    cells = [(i, a, b - 1) for i, (a, b) in enumerate(zip([0, *edges], edges, strict=False)) if a < b]
    ids, least, greatest = np.array(cells).T
    rows = np.repeat(logits, len(ids), axis=0)
    drawn = [evaluate(spec, {}, "draw", rows, r)[:, 0] for r in (least, greatest)]
    return np.stack(drawn), np.stack([ids, ids])


def _frequency(evaluate, g, spec):
    logits = logits_of(g, 1, FEW)
    law = evaluate(spec, {}, "__call__", logits)[0] * DRAWS
    drawn = evaluate(spec, {}, "draw", np.repeat(logits, DRAWS, axis=0), variates(g, DRAWS))[:, 0].astype(int)
    counts = np.bincount(drawn, minlength=FEW)
    rare = law < 5
    expected = np.append(law[~rare], law[rare].sum())
    observed = np.append(counts[~rare], counts[rare].sum())
    likely = expected >= 5
    statistic = ((observed - expected)[likely] ** 2 / expected[likely]).sum()
    # A right law exceeds this once in 10^9 seeds; tokens that are not allowed must not be drawn at all.
    bound = chi2.isf(1e-9, max(likely.sum() - 1, 1))
    return np.array([max(statistic, bound), counts[law == 0].sum()]), np.array([bound, 0])


def _clearance(evaluate, g, spec):
    logits, r = logits_of(g, 20), variates(g, 20)
    drawn = spec.draw({}, logits, r)[:, 0]
    clearance = np.array([spec.clearance(row, one) for row, one in zip(logits, r, strict=True)])
    sure = clearance > 2 * ROUNDING
    reach = np.minimum(np.where(sure, clearance - ROUNDING, 0), 3)[:, None]
    moved = representable(logits + reach * g.choice([-1, 1], size=logits.shape))
    return np.where(sure, evaluate(spec, {}, "draw", moved, r)[:, 0], drawn), drawn
