"""Plain sampling: temperature, then top-k, top-p and min-p.

Equations, for p = softmax(logits / temperature):
    top-k   the k likeliest tokens, ties by id
    top-p   of these the likeliest, ties by id, until their share of the weight reaches top_p, the last one included
    min-p   of these the tokens with p >= min_p max p
    token   inverse CDF of the allowed tokens, renormalised, from one variate (`lyceum.personas.model.sampling`)
A filter is off at top_k = None, top_p = 1, min_p = 0. Every filter allows the likeliest token, so they compose in any
order and the support is never empty.

Theorems.  The support is not empty, and holds the likeliest token. Lowering any of top_k, top_p, 1 - min_p only removes
tokens. The law is n_i / K to within 2^-31, for weights n of total K (`lyceum.personas.model.sampling`).

Cost: one sort for each of top-k and top-p.
Sources: Fan et al. 2018 (top-k); Holtzman et al. 2020 (top-p); Nguyen et al. 2024 (min-p).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyceum.personas.model import sampling_margin
from lyceum.personas.model.sampling import Sampler, demand, first, limit, surprise
from lyceum.personas.properties.samplers import logits_of, theorems
from lyceum.personas.spec.case import Case, Theorem


@dataclass(frozen=True)
class Plain(Sampler):
    """temperature > 0. top_k >= 1 or None. top_p, in (0, 1]. min_p, in [0, 1]."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self):
        demand("temperature", self.temperature, 0 < self.temperature < math.inf, "a number above 0")
        demand("top-k", self.top_k, self.top_k is None or self.top_k >= 1, "1 or more")
        demand("top-p", self.top_p, 0 < self.top_p <= 1, "above 0 and at most 1")
        demand("min-p", self.min_p, 0 <= self.min_p <= 1, "from 0 to 1")

    def tempered(self, logits: np.ndarray) -> np.ndarray:
        """logits / temperature: both the filters and the draw use them."""
        return logits / self.temperature

    def allowed(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> which tokens may be drawn, (..., V) bool."""
        n, s = self.weights(p, logits), surprise(self.tempered(logits))
        allowed = np.ones(n.shape, bool)
        if self.top_k is not None:
            allowed &= first(s, np.ones_like(n), np.full(n.shape[:-1], self.top_k))
        if self.top_p < 1:
            weight = np.where(allowed, n, 0)
            allowed &= first(s, weight, limit(self.top_p, weight))
        if self.min_p > 0:
            allowed &= s <= -math.log(self.min_p)
        return allowed

    def clearance(self, logits: np.ndarray, r: int) -> float:
        """logits (V,), variate r -> the change of logits, nats, below which the same token is drawn.

        See `lyceum.personas.model.sampling_margin`.
        """
        n, s = self.weights({}, logits), surprise(self.tempered(logits))
        margins, allowed = [sampling_margin.of_draw(n, self.allowed({}, logits), r)], np.ones(n.shape, bool)
        if self.top_k is not None:
            margins.append(sampling_margin.of_count(s, self.top_k))
            allowed = first(s, np.ones_like(n), np.array(self.top_k))
        if self.top_p < 1:
            margins.append(sampling_margin.of_share_of(s, np.where(allowed, n, 0), self.top_p))
        if self.min_p > 0:
            margins.append(sampling_margin.of_level(s, -math.log(self.min_p)))
        return self.temperature * min(margins)

    def summary(self, draws: np.ndarray) -> str:
        """One line about draws (count, 4): the mean mass and the mean number of allowed tokens."""
        return f"allowed mass {np.mean(draws[:, 1] / draws[:, 2]):.4f}, {np.mean(draws[:, 3]):.1f} tokens"


CASES = (
    Case("sample: plain, all filters", Plain(0.8, 9, 0.9, 0.1), lambda g: (logits_of(g, 3),)),
    Case("sample: plain, temperature", Plain(1.7), lambda g: (logits_of(g, 2),)),
    Case("sample: plain, top-k", Plain(top_k=5), lambda g: (logits_of(g, 2),)),
    Case("sample: plain, top-p", Plain(top_p=0.7), lambda g: (logits_of(g, 2),)),
    Case("sample: plain, min-p", Plain(min_p=0.05), lambda g: (logits_of(g, 2),)),
    Case("sample: plain, the likeliest only", Plain(top_k=1), lambda g: (logits_of(g, 2, 11),)),
    Case("sample: plain, one token", Plain(0.5, 3, 0.5, 0.5), lambda g: (g.normal(size=(2, 1)),)),
    Case("sample: plain, the contract's vocabulary", Plain(0.9, 500, 0.8), lambda g: (logits_of(g, 1, 50_257),)),
)

SPECS = tuple(case.spec for case in CASES[:5])


def _ties(evaluate, g):
    # Nine equal tokens: top-k allows the first four by id, and of these three make up six tenths.
    return evaluate(Plain(1.3, 4, 0.6), {}, "allowed", np.full((2, 9), g.normal())), np.tile(np.arange(9) < 3, (2, 1))


def _nesting(evaluate, g):
    # Every token that a sampler allows, a milder sampler allows too; the likeliest is always allowed.
    logits = logits_of(g, 6)
    severe, mild = (evaluate(spec, {}, "allowed", logits) for spec in (Plain(1, 5, 0.6, 0.2), Plain(1, 9, 0.8, 0.1)))
    best = logits.argmax(-1)[:, None]
    return np.take_along_axis(severe, best, 1) * severe * mild, severe


THEOREMS = (
    *theorems("plain", SPECS),
    Theorem("sample: plain, ties", "ties break by id", _ties, length=1, exact=True),
    Theorem("sample: plain, nesting", "a milder sampler allows more", _nesting, length=1, exact=True),
)
