"""What a token that training never met looks like, given the kind of the token before it.

A shared prior of 1 / V for all ids is wrong by two nats: most ids are pieces of the modern web, while what a play has
not said yet is a name, a verb in -eth, the second half of a rare word; and a half is recognised by what it follows.

Events. Cut the text into 12 stretches: a token that occurs in one of them only was new when that stretch began. Each
such occurrence is an event (kind of the token before, kind of the new one), kinds being surface classes
(`lyceum.personas.tokens.surface`).

Equations, for kinds k, with E_k events and A_k ids that were new once or are unseen still:
    q(k)       proportional to  u_k (E_k + E / (2 A)) / (A_k + 1/2),     u_k ids of kind k never met
    q(k | j)   proportional to  sum over events (j, k) of  E q(k) / E_k  +  30 q(k)
    p(w | j) = q(kind(w) | j) / u_kind(w)     for w never met, else 0
    r(j)     = (events after kind j + 50 r) / (tokens of kind j + 50),   r = E / N
The factor q(k) / E_k passes from events then to ids now: what a kind has brought already it cannot bring again. r(j)
says how often something new follows a token of kind j. Where every id has been met, p is uniform over all of them.

Theorem. sum_w p(w | j) = 1 for every j: q(. | j) is normalised over kinds, and vanishes where u_k does.
Sources: Good 1953; Jelinek & Mercer 1980 (held-out estimation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STRETCHES, FAITH, PATIENCE = 12, 30.0, 50.0


@dataclass(frozen=True)
class Novelty:
    """kind (V,): each id's. among (kinds, kinds): q(k | j), row j. share (V,): of an id within its kind, 1 / u or 0.

    rate (kinds,): r. counts (V,): how often each id was met.
    """

    kind: np.ndarray
    among: np.ndarray
    share: np.ndarray
    rate: np.ndarray
    counts: np.ndarray

    def parts(self, before: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """p(target | kind of `before`): ids that broadcast against each other -> float64."""
        return self.among[self.kind[before], self.kind[targets]] * self.share[targets]


def novelty(pieces: tuple[np.ndarray, ...], kind: np.ndarray) -> Novelty:
    """Learn from a text given in pieces (N_i,). kind (V,): a whole number for each id's surface class."""
    text = np.concatenate(pieces)
    counts, kinds = np.bincount(text, minlength=len(kind)), kind.max() + 1
    unseen = counts == 0
    new = np.zeros(len(kind), bool)
    events = []
    for stretch in np.array_split(np.arange(len(text)), STRETCHES):
        inside = np.bincount(text[stretch], minlength=len(kind))
        places = stretch[1:]
        events.append(places[(inside == counts)[text[places]]])
    places = np.concatenate(events)
    before, after = kind[text[places - 1]], kind[text[places]]
    new[text[places]] = True
    # One event at least, here and below, so that nothing is impossible however short or repetitive the text.
    rate = max(1, len(places)) / len(text)
    followed = np.bincount(kind[text[:-1]], minlength=kinds)
    rates = (np.bincount(before, minlength=kinds) + PATIENCE * rate) / (followed + PATIENCE)
    if not unseen.any():
        return Novelty(kind, np.ones((kinds, kinds)), np.full(len(kind), 1 / len(kind)), rates, counts)
    brought = np.bincount(after, minlength=kinds)
    candidates = np.bincount(kind, weights=unseen | new, minlength=kinds)
    left = np.bincount(kind, weights=unseen, minlength=kinds)
    overall = max(1, brought.sum()) / candidates.sum()
    prior = left * (brought + 0.5 * overall) / (candidates + 0.5)
    prior /= prior.sum()
    pairs = np.bincount(before * kinds + after, minlength=kinds**2).reshape(kinds, kinds)
    pairs = pairs * (prior / np.maximum(brought, 1)) * brought.sum()
    among = (pairs + FAITH * prior) / (pairs.sum(1, keepdims=True) + FAITH)
    return Novelty(kind, among, unseen / np.maximum(left, 1)[kind], rates, counts)
