"""The evidence of a memory: how much it knows after a context, and what probability each of its parts gives the target.

Both personas share this. The first parts are a persona's *guides*; the rest are the same for both:

    seen       (c_w - 3/4)^+, normalised: how often a token occurs in the text at all
    novel      the surface form of tokens that the text lacks (`lyceum.personas.memory.novelty`)
    uniform    1 / V, so that nothing is impossible
    cache, follow   the block itself (`lyceum.personas.memory.recency`)

Each has an *offset*, its log weight before the gate adds to it (`lyceum.personas.memory.mixture`). A guide's offset is
what the persona gives it plus v . sizes / 3: two numbers that say how much it knows, with constants v of the gate.
Cache and follower have log sum K and log sum F. A part that knows nothing has -1e4.

Theorem (causality). Features and offsets at position t are functions of ids[: t + 1], probabilities of those and the
target: every array is indexed by positions up to t. Nothing here is differentiated; both backends read the same arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lyceum.personas.memory.novelty import PRIOR_EVENTS, PRIOR_TOKENS, STRETCHES, Novelty, novelty
from lyceum.personas.memory.recency import Recency, levels

ABSENT = -1e4  # the log of nothing: exp of it is 0 in every precision, and float16 can represent twice it
SHARED_PARTS = ("seen", "novel", "uniform", "cache", "follow")


@dataclass(frozen=True, eq=False)
class Lookup:
    """What the guides know of a batch (B, T) of contexts, before any target is given.

    sizes (B, T, n, 2), features (B, T, m), offsets (B, T, n + 3): of the guides, seen, novel and uniform, without v.
    matches: where the contexts occur in the text; its form is the persona's.
    """

    sizes: np.ndarray
    features: np.ndarray
    offsets: np.ndarray
    matches: Any


@dataclass(frozen=True, eq=False)
class Evidence(ABC):
    """pieces: the text (N_i,) that is remembered. surface_class (V,): the surface class of each id.

    size_weight (n, 2): v. recency: the constants of cache and follower. discount: taken off the counts of the unigram.
    stretches, prior_events, prior_tokens: as in `lyceum.personas.memory.novelty`. What is made of the text is made on
    first use.

    GUIDES, FEATURES: names. START: the weight from which the gate of a part is fitted, 0 where none is given.
    """

    GUIDES: ClassVar[tuple[str, ...]]
    FEATURES: ClassVar[tuple[str, ...]]
    START: ClassVar[dict[str, float]]

    pieces: tuple[np.ndarray, ...] = field(repr=False)
    surface_class: np.ndarray = field(repr=False)
    size_weight: np.ndarray = field(repr=False)
    recency: Recency = field(repr=False)
    discount: float = field(default=0.75, kw_only=True)
    stretches: int = field(default=STRETCHES, kw_only=True)
    prior_events: float = field(default=PRIOR_EVENTS, kw_only=True)
    prior_tokens: float = field(default=PRIOR_TOKENS, kw_only=True)

    @abstractmethod
    def look_up(self, ids: np.ndarray) -> Lookup:
        """What the guides know of the contexts of ids (B, T)."""

    @abstractmethod
    def guide_probs(self, lookup: Lookup, targets: np.ndarray) -> list[np.ndarray]:
        """p(target) of each guide, (B, T) each."""

    @abstractmethod
    def followers(self, lookup: Lookup, guide: int, row: int, position: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, p): all to which a guide gives probability after one position of one row."""

    @classmethod
    def parts(cls) -> tuple[str, ...]:
        """The names of all parts, in their order."""
        return (*cls.GUIDES, *SHARED_PARTS)

    @cached_property
    def novelty(self) -> Novelty:
        return novelty(self.pieces, self.surface_class, self.stretches, self.prior_events, self.prior_tokens)

    @cached_property
    def seen(self) -> np.ndarray:
        """The discounted unigram (V,)."""
        discounted = np.maximum(self.novelty.counts - self.discount, 0)
        return discounted / discounted.sum()

    def for_targets(self, ids: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ids, targets (B, T) -> features (B, T, m), offsets and log p(target) of each part, (B, T, n + 5) float64."""
        lookup, weights = self.look_up(ids), self.block_weights(ids)
        hit = ids[:, None, :] == targets[:, :, None]
        block = [log(_ratio((weight * hit).sum(-1), weight.sum(-1)))[..., None] for weight in weights]
        log_probs = np.concatenate([self.text_log_probs(lookup, ids, targets), *block], -1)
        return *self._features_and_offsets(lookup, weights), log_probs

    def text_log_probs(self, lookup: Lookup, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """log p(target) of the parts that come from the text: the guides, seen, novel, uniform, (B, T, n + 3)."""
        parts = [*self.guide_probs(lookup, targets), self.seen[targets], self.novelty.probs(ids, targets)]
        return log(np.stack([*parts, np.full(ids.shape, 1 / len(self.surface_class))], -1))

    def for_all_ids(self, ids: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same for every id that may follow one position of each row.

        ids (B, T), positions (B,) -> features (B, m), offsets (B, n + 5), log p (B, n + 5, V).
        """
        lookup, weights = self.look_up(ids), self.block_weights(ids)
        features, offsets = self._features_and_offsets(lookup, weights)
        guides, n_vocab = len(self.GUIDES), len(self.surface_class)
        parts = np.zeros((len(ids), guides + len(SHARED_PARTS), n_vocab))
        for row, position in enumerate(positions):
            for i in range(guides):
                followers, p = self.followers(lookup, i, row, position)
                parts[row, i, followers] = p
            parts[row, guides] = self.seen
            parts[row, guides + 1] = self.novelty.probs(ids[row, position], np.arange(n_vocab))
            parts[row, guides + 2] = 1 / n_vocab
            for i, weight in enumerate(weights, guides + 3):
                sums = np.bincount(ids[row], weight[row, position], minlength=n_vocab)
                parts[row, i] = _ratio(sums, weight[row, position].sum())
        rows = np.arange(len(ids))
        return features[rows, positions], offsets[rows, positions], log(parts)

    def block_weights(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weights of cache and follower over the block, (B, T, T) each."""
        return self.recency.weights(ids, levels(self.novelty.counts, len(self.recency.cache_count))[ids])

    def _features_and_offsets(self, lookup: Lookup, weights: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        offsets = lookup.offsets.copy()
        offsets[..., : len(self.GUIDES)] += (lookup.sizes * self.size_weight).sum(-1) / 3
        block = [log(weight.sum(-1))[..., None] for weight in weights]
        return lookup.features, np.concatenate([offsets, *block], -1)


def log(p: np.ndarray) -> np.ndarray:
    """log p, and ABSENT where p is 0."""
    return np.log(p, out=np.full(p.shape, ABSENT), where=p > 0)


def _ratio(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    """part / total, and 0 where the total is 0."""
    return part / np.where(total > 0, total, 1)
