"""A10, modality: impossible tokens are never drawn, a necessary one always, the others if they are typical.

Idea. Of what may be said next, something may be necessary (nothing else can be meant), some is possible, and most is
impossible, though a softmax gives everything its crumb. Where nothing is necessary, what is said should tell as much as
speech is expected to tell here: neither the platitude nor the oddity.

Equations, for p = softmax(logits), weights n and surprises s of `lyceum.personas.model.sampling`:
    necessary    n_i >= nu N, nu > 1/2: then i is drawn
    impossible   p_i < alpha max p, that is s_i > -log alpha; the other tokens are possible
    contingent   of the possible tokens, in order of |s_i - H|, H = sum n_j s_j / sum n_j over them, ties by id: as many
                 as it takes for their share of the possible weight to reach tau
    token        inverse CDF of the contingent tokens, renormalised, by id, from one variate
|s_i - H| is the distance of the token's information from the entropy, |-log q_i - H(q)|, for q = p renormalised over
the possible tokens: log max q cancels. At alpha = 0 no token is impossible, at tau = 1 all possible tokens are
contingent, at nu = 1 only a certain token is necessary.

Theorems.
 1. The support is never empty: the likeliest token is possible, and the first one in the order is allowed.
 2. At most one token is necessary, as nu > 1/2; then it is the whole support, and every variate draws it.
 3. At most 1 / (alpha max p) tokens are possible: each has a share of alpha max p at least.
 4. The allowed mass is K / N exactly, and the law n_i / K to within 2^-31 (`lyceum.personas.model.sampling`).
 5. Two backends draw the same token if their logits differ by less than `clearance`
    (`lyceum.personas.model.sampling_margin`).

Cost: one sort. Sources: Nguyen et al. 2024 (min-p); Meister et al. 2022 (locally typical); Aristotle, De
Interpretatione 12-13 and Prior Analytics I.13 (contingent: neither necessary nor impossible).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from lyceum.personas.model import sampling_margin
from lyceum.personas.model.sampling import WEIGHT_BITS, Sampler, demand, first, limit, surprise, threshold, variates
from lyceum.personas.properties.samplers import logits_of, theorems
from lyceum.personas.spec.case import Case, Theorem
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Modality(Sampler):
    """alpha in [0, 1]: impossible below alpha max p. nu in (1/2, 1]: necessary from nu. tau in (0, 1]: see above."""

    alpha: float = 0.02
    nu: float = 0.9
    tau: float = 0.95

    def __post_init__(self):
        demand("alpha", self.alpha, 0 <= self.alpha <= 1, "from 0 to 1")
        demand("nu", self.nu, 0.5 < self.nu <= 1, "above 1/2, so that only one token can be necessary, and at most 1")
        demand("tau", self.tau, 0 < self.tau <= 1, "above 0 and at most 1")

    @property
    def level(self) -> float:
        """The surprise beyond which a token is impossible, nats."""
        return -math.log(self.alpha) if self.alpha else math.inf

    def oddity(self, n: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """n, s (..., V) -> the weight of possible tokens, 0 for others, and |s - H|, (..., V) each."""
        possible = np.where(s <= self.level, n, 0)
        return possible, np.abs(s - (possible * s).sum(-1, keepdims=True) / possible.sum(-1, keepdims=True))

    def allowed(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> which tokens may be drawn, (..., V) bool."""
        n, s = self.weights(p, logits), surprise(logits)
        possible, oddity = self.oddity(n, s)
        contingent = first(np.where(possible > 0, oddity, np.inf), possible, limit(self.tau, possible))
        necessary = n << WEIGHT_BITS >= threshold(self.nu) * n.sum(-1, keepdims=True)
        return np.where(necessary.any(-1, keepdims=True), necessary, contingent & (possible > 0))

    def clearance(self, logits: np.ndarray, r: int) -> float:
        """logits (V,), variate r -> the change of logits, nats, below which the same token is drawn.

        See `lyceum.personas.model.sampling_margin`.
        """
        n, s, allowed = self.weights({}, logits), surprise(logits), self.allowed({}, logits)
        likeliest = n.max() / n.sum()
        edge = sampling_margin.of_share(likeliest, self.nu, len(n), n.sum())
        if likeliest >= self.nu:
            return edge
        possible, oddity = self.oddity(n, s)
        speed = 2 + 3 * (possible * oddity).sum() / possible.sum()
        typical = sampling_margin.of_share_of(oddity, possible, self.tau, speed)
        impossible = sampling_margin.of_level(s, self.level) if self.alpha else math.inf
        # Beyond a third of a nat the oddities move faster than `speed` says.
        return min(edge, impossible, typical, sampling_margin.of_draw(n, allowed, r), 0.2)

    def summary(self, draws: np.ndarray) -> str:
        """One line about draws (count, 4): allowed mass and tokens, and the share of necessary tokens."""
        mass = draws[:, 1] / draws[:, 2]
        necessary = (draws[:, 3] == 1) & (mass >= self.nu)
        return f"allowed mass {mass.mean():.4f}, {draws[:, 3].mean():.1f} tokens, necessary {necessary.mean():.1%}"


def certain(rows: int, size: int, lead: float):
    """A function that draws logits (rows, size): one token of each row leads all others by about `lead` nats."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray]:
        ahead = lead * (np.arange(size) == g.integers(size, size=(rows, 1)))
        return (g.normal(size=(rows, size)) + ahead,)

    return draw


DEFAULT = Modality()
CASES = (
    Case("sample: modal", DEFAULT, lambda g: (logits_of(g, 3),)),
    Case("sample: modal, the contract's vocabulary", DEFAULT, lambda g: (logits_of(g, 1, 50_257),)),
    Case("sample: modal, a necessary token", DEFAULT, certain(2, 23, 9.0)),
    Case("sample: modal, probable but not necessary", Modality(alpha=0.3, tau=0.5), certain(2, 23, 4.0)),
    Case("sample: modal, nothing impossible", Modality(0.0, 1.0, 0.8), lambda g: (g.normal(size=(2, 40)),)),
    Case("sample: modal, all possible tokens allowed", Modality(0.1, 0.99, 1.0), lambda g: (logits_of(g, 2),)),
    Case("sample: modal, few possible", Modality(0.6), lambda g: (logits_of(g, 2),)),
    Case("sample: modal, half of the possible", Modality(0.2, 0.99, 0.5), lambda g: (g.normal(size=(6, 60)),)),
    Case("sample: modal, equal logits", DEFAULT, lambda g: (np.zeros((2, 9)),)),
    Case("sample: modal, one token", DEFAULT, lambda g: (g.normal(size=(2, 1)),)),
)


def _necessity(evaluate, g):
    logits, r = certain(6, 23, 9.0)(g)[0], variates(g, 6)
    return evaluate(DEFAULT, {}, "draw", logits, r)[:, [0, 3]], np.stack([logits.argmax(-1), np.ones(6)], axis=-1)


def _impossibility(evaluate, g):
    # No token below alpha max p is allowed, and at most 1 / (alpha max p) tokens are (theorem 3).
    logits = logits_of(g, 6)
    allowed = evaluate(Modality(0.1, 0.999, 1.0), {}, "allowed", logits)
    p = softmax(logits, axis=-1)
    top = p.max(-1, keepdims=True)
    bound = 10 / top[:, 0]
    return np.stack([*allowed.T, np.maximum(allowed.sum(-1), bound)]), np.stack([*(p >= 0.1 * top).T, bound])


def _invariance(evaluate, g):
    # The sampler depends on logits up to a constant; with multiples of a power of two the sums are exact.
    logits = np.round(256 * logits_of(g, 6)) / 256
    return evaluate(DEFAULT, {}, "allowed", logits + 8), evaluate(DEFAULT, {}, "allowed", logits)


def _typicality(evaluate, g):
    # In explicit form: information and entropy of the law renormalised over the possible tokens.
    logits, spec = logits_of(g, 1), Modality(0.05, 0.999, 0.6)
    possible = np.exp(logits[0] - logits.max())
    possible = np.where(possible >= 0.05, possible, 0)
    q = possible / possible.sum()
    information = -np.log(np.where(q > 0, q, 1))
    oddity = np.where(q > 0, np.abs(information - (q * information).sum()), np.inf)
    expected, mass = np.zeros((1, q.size)), 0.0
    for i in np.argsort(oddity, kind="stable"):
        if mass < 0.6:
            expected[0, i], mass = 1, mass + q[i]
    return evaluate(spec, {}, "allowed", logits), expected


SPECS = (DEFAULT, Modality(0.1, 0.6, 0.8), Modality(0.0, 0.9, 0.9), Modality(0.3, 0.9, 1.0))
THEOREMS = (
    *theorems("modal", SPECS),
    Theorem("sample: modal, necessity", "every variate draws the necessary token", _necessity, 1, exact=True),
    Theorem("sample: modal, impossibility", "tokens >= alpha max p are allowed", _impossibility, 1, exact=True),
    Theorem("sample: modal, typicality", "nearest the entropy come first", _typicality, 1, exact=True),
    Theorem("sample: modal, invariance", "a constant added to the logits changes nothing", _invariance, 1, exact=True),
)


SYSTEM = System(
    "sample",
    "A10, modality",
    job="sampler: a necessary token at once, an impossible one never, the others if they are typical",
    command="lyceum sample RUN TEXT",
)
