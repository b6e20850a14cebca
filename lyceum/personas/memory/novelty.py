"""What a token that the training text lacks looks like, given the surface class of the token before it.

A shared prior of 1 / V for all ids is wrong by two nats: most ids are pieces of the modern web, while the new words of
a play are names, verbs in -eth, second halves of rare words; and a half is recognised by what it follows.

Events. Cut the text into 12 stretches: a token that occurs in one of them only was new when that stretch began. Each
such occurrence is an event (class of the token before, class of the new one), with the surface classes of
`lyceum.personas.tokens.surface`.

Equations, for classes k, with E_k events and A_k ids that were new once or are unseen still:
    q(k)       proportional to  u_k (E_k + E / (2 A)) / (A_k + 1/2),     u_k unseen ids of class k
    q(k | j)   proportional to  sum over events (j, k) of  E q(k) / E_k  +  30 q(k)
    p(w | j) = q(class(w) | j) / u_class(w)     for unseen w, else 0
    r(j)     = (events after class j + 50 r) / (tokens of class j + 50),   r = E / N
The factor q(k) / E_k passes from events then to ids now: an id that was new once cannot be new again. r(j) says how
often something new follows a token of class j. Where no id is unseen, p is uniform over all of them.

Theorem. sum_w p(w | j) = 1 for every j: q(. | j) is normalised over classes, and vanishes where u_k does.
Sources: Good 1953; Jelinek & Mercer 1980 (held-out estimation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STRETCHES, PRIOR_EVENTS, PRIOR_TOKENS = 12, 30.0, 50.0


@dataclass(frozen=True)
class Novelty:
    """surface_class (V,): k of each id. next_class (K, K): q(k | j), row j.

    share (V,): of an id in its class, 1 / u or 0. rate (K,): r. counts (V,): how often each id occurs in the text.
    """

    surface_class: np.ndarray
    next_class: np.ndarray
    share: np.ndarray
    rate: np.ndarray
    counts: np.ndarray

    def probs(self, before: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """p(target | class of `before`): ids that broadcast against each other -> float64."""
        return self.next_class[self.surface_class[before], self.surface_class[targets]] * self.share[targets]


def novelty(
    pieces: tuple[np.ndarray, ...],
    surface_class: np.ndarray,
    stretches: int = STRETCHES,
    prior_events: float = PRIOR_EVENTS,
    prior_tokens: float = PRIOR_TOKENS,
) -> Novelty:
    """Learn from a text given in pieces (N_i,). surface_class (V,): an integer for each id.

    stretches: into how many the text is cut to observe novelty. prior_events, prior_tokens: the weights of the priors.
    """
    text, n_vocab, n_classes = np.concatenate(pieces), len(surface_class), surface_class.max() + 1
    counts = np.bincount(text, minlength=n_vocab)
    unseen = counts == 0
    events = []
    for stretch in np.array_split(np.arange(len(text)), stretches):
        inside = np.bincount(text[stretch], minlength=n_vocab)
        positions = stretch[1:]
        events.append(positions[(inside == counts)[text[positions]]])
    positions = np.concatenate(events)
    before, after = surface_class[text[positions - 1]], surface_class[text[positions]]
    new = np.zeros(n_vocab, bool)
    new[text[positions]] = True
    # One event at least, here and below, so that nothing is impossible however short or repetitive the text.
    rate = max(1, len(positions)) / len(text)
    followed = np.bincount(surface_class[text[:-1]], minlength=n_classes)
    rates = (np.bincount(before, minlength=n_classes) + prior_tokens * rate) / (followed + prior_tokens)
    if not unseen.any():
        anything = np.ones((n_classes, n_classes))
        return Novelty(surface_class, anything, np.full(n_vocab, 1 / n_vocab), rates, counts)
    brought = np.bincount(after, minlength=n_classes)
    candidates = np.bincount(surface_class, weights=unseen | new, minlength=n_classes)
    left = np.bincount(surface_class, weights=unseen, minlength=n_classes)
    overall = max(1, brought.sum()) / candidates.sum()
    prior = left * (brought + 0.5 * overall) / (candidates + 0.5)
    prior /= prior.sum()
    pairs = np.bincount(before * n_classes + after, minlength=n_classes**2).reshape(n_classes, n_classes)
    pairs = pairs * (prior / np.maximum(brought, 1)) * brought.sum()
    next_class = (pairs + prior_events * prior) / (pairs.sum(1, keepdims=True) + prior_events)
    return Novelty(surface_class, next_class, unseen / np.maximum(left, 1)[surface_class], rates, counts)
