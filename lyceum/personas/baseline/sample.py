"""Plain sampling: temperature, top-k, top-p and min-p, one after another.

Equations, for p = softmax(logits / temperature):
    top-k   the k likeliest, ties by id
    top-p   of these the likeliest, ties by id, until their share of the weight reaches top_p (the one that reaches it
            is kept)
    min-p   of these the tokens with p >= min_p max p
    token   inverse CDF of the rest, renormalised, from one variate (`lyceum.personas.model.sampling`)
A field that is None or 1 asks for nothing. Every filter keeps the likeliest token, so they compose in any order without
emptying the support.

Theorems.  The support is not empty, and holds the likeliest token. Lowering any of top_k, top_p, 1 - min_p only removes
tokens. With the weights n the law is n_i / K to within 2^-31 (`lyceum.personas.model.sampling`).

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
        """The logits that are judged and drawn from."""
        return logits / self.temperature

    def kept(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> which tokens may be said, (..., V) bool."""
        n, s = self.weights(p, logits), surprise(self.tempered(logits))
        kept = np.ones(n.shape, bool)
        if self.top_k is not None:
            kept &= first(s, np.ones_like(n), np.full(n.shape[:-1], self.top_k))
        if self.top_p < 1:
            held = np.where(kept, n, 0)
            kept &= first(s, held, limit(self.top_p, held))
        if self.min_p > 0:
            kept &= s <= -math.log(self.min_p)
        return kept

    def clearance(self, logits: np.ndarray, r: int) -> float:
        """logits (V,) -> the change of them, in nats, up to which the same token is said (`lyceum.personas.model.sampling_margin`)."""
        n, s = self.weights({}, logits), surprise(self.tempered(logits))
        found, kept = [sampling_margin.of_draw(n, self.kept({}, logits), r)], np.ones(n.shape, bool)
        if self.top_k is not None:
            found.append(sampling_margin.of_count(s, self.top_k))
            kept = first(s, np.ones_like(n), np.array(self.top_k))
        if self.top_p < 1:
            found.append(sampling_margin.of_share_of(s, np.where(kept, n, 0), self.top_p))
        if self.min_p > 0:
            found.append(sampling_margin.of_level(s, -math.log(self.min_p)))
        return self.temperature * min(found)

    def summary(self, draws: np.ndarray) -> str:
        """What draws (count, 4) were like, in words."""
        return f"kept mass {np.mean(draws[:, 1] / draws[:, 2]):.4f}, {np.mean(draws[:, 3]):.1f} tokens"


CASES = (
    Case("sample: plain, everything at once", Plain(0.8, 9, 0.9, 0.1), lambda g: (logits_of(g, 3),)),
    Case("sample: plain, temperature", Plain(1.7), lambda g: (logits_of(g, 2),)),
    Case("sample: plain, top-k", Plain(top_k=5), lambda g: (logits_of(g, 2),)),
    Case("sample: plain, top-p", Plain(top_p=0.7), lambda g: (logits_of(g, 2),)),
    Case("sample: plain, min-p", Plain(min_p=0.05), lambda g: (logits_of(g, 2),)),
    Case("sample: plain, the likeliest alone", Plain(top_k=1), lambda g: (logits_of(g, 2, 11),)),
    Case("sample: plain, one token", Plain(0.5, 3, 0.5, 0.5), lambda g: (g.normal(size=(2, 1)),)),
    Case("sample: plain, the contract's vocabulary", Plain(0.9, 500, 0.8), lambda g: (logits_of(g, 1, 50_257),)),
)

SPECS = tuple(case.spec for case in CASES[:5])


def _ties(evaluate, g):
    # Nine tokens alike: the first four by id, and of these as many as make up six tenths: three.
    return evaluate(Plain(1.3, 4, 0.6), {}, "kept", np.full((2, 9), g.normal())), np.tile(np.arange(9) < 3, (2, 1))


def _nesting(evaluate, g):
    # Whatever is kept is kept by every milder sampler too, and the likeliest always.
    logits = logits_of(g, 6)
    severe, mild = (evaluate(spec, {}, "kept", logits) for spec in (Plain(1, 5, 0.6, 0.2), Plain(1, 9, 0.8, 0.1)))
    best = logits.argmax(-1)[:, None]
    return np.take_along_axis(severe, best, 1) * severe * mild, severe


THEOREMS = (
    *theorems("plain", SPECS),
    Theorem("sample: plain, ties", "ties break by id", _ties, length=1, exact=True),
    Theorem("sample: plain, nesting", "a milder sampler keeps more", _nesting, length=1, exact=True),
)
