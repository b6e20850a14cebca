"""What a memory brings to a place: how much it knows there, and what probability each of its parts gives the target.

Shared by both personas. The first parts are a persona's own, its *guides*; behind them always stand

    seen       (c_w - 3/4)^+, normalised: how often a token was met at all
    novel      the surface form of tokens never met (`lyceum.personas.memory.novelty`)
    uniform    1 / V, so that nothing is impossible
    cache, follow   the block itself (`lyceum.personas.memory.recency`)

Each comes with an *offset*, its log weight before the gate has judged (`lyceum.personas.memory.mixture`): a guide's is its own and
v . sizes / 3, two numbers that say how much it knows, with constants v of the gate; cache and follower have log sum K
and log sum F. What knows nothing has -1e4.

Theorem (causality). Features and offsets at place t are functions of ids[: t + 1], probabilities of those and the
target: every array is indexed by places up to t. Nothing here is differentiated; both backends read the same arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lyceum.personas.memory.novelty import Novelty, novelty
from lyceum.personas.memory.recency import Recency, levels

ABSENT = -1e4  # the log of nothing: exp of it is 0 in every precision, and float16 can hold twice it
DISCOUNT = 0.75
ALWAYS = ("seen", "novel", "uniform", "cache", "follow")


@dataclass(frozen=True, eq=False)
class Reading:
    """What the guides say of a batch (B, T) of contexts.

    sizes (B, T, n, 2), features (B, T, m), offsets (B, T, n + 3): of the guides, seen, novel and uniform, without v.
    met: what the persona needs to answer for targets.
    """

    sizes: np.ndarray
    features: np.ndarray
    offsets: np.ndarray
    met: Any


@dataclass(frozen=True, eq=False)
class Evidence(ABC):
    """pieces: the text (N_i,) that is remembered. kind (V,): the surface class of each id.

    own (n, 2): v. recency: the constants of cache and follower. What is made of the text is made on first use.

    GUIDES, FEATURES: names; START: the weight from which the gate of a part is fitted, 0 where none is given.
    """

    GUIDES: ClassVar[tuple[str, ...]]
    FEATURES: ClassVar[tuple[str, ...]]
    START: ClassVar[dict[str, float]]

    pieces: tuple[np.ndarray, ...] = field(repr=False)
    kind: np.ndarray = field(repr=False)
    own: np.ndarray = field(repr=False)
    recency: Recency = field(repr=False)

    @abstractmethod
    def read(self, ids: np.ndarray) -> Reading:
        """What the guides say of the contexts of ids (B, T)."""

    @abstractmethod
    def shares(self, read: Reading, targets: np.ndarray) -> list[np.ndarray]:
        """p(target) of each guide, (B, T) each."""

    @abstractmethod
    def followers(self, read: Reading, guide: int, row: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, p): all to which a guide gives probability after one place of one row."""

    @classmethod
    def parts(cls) -> tuple[str, ...]:
        """The names of all parts, in their order."""
        return (*cls.GUIDES, *ALWAYS)

    @cached_property
    def novelty(self) -> Novelty:
        return novelty(self.pieces, self.kind)

    @cached_property
    def seen(self) -> np.ndarray:
        taken = np.maximum(self.novelty.counts - DISCOUNT, 0)
        return taken / taken.sum()

    def of(self, ids: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ids, targets (B, T) -> features (B, T, m), offsets and log p(target) of each part, (B, T, n + 5) float64."""
        read, weights = self.read(ids), self.recalled(ids)
        hit = ids[:, None, :] == targets[:, :, None]
        block = [log(_share((weight * hit).sum(-1), weight.sum(-1)))[..., None] for weight in weights]
        return *self._prior(read, weights), np.concatenate([self.told(read, ids, targets), *block], -1)

    def told(self, read: Reading, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """log p(target) of the guides, seen, novel and uniform, (B, T, n + 3)."""
        parts = [*self.shares(read, targets), self.seen[targets], self.novelty.parts(ids, targets)]
        return log(np.stack([*parts, np.full(ids.shape, 1 / len(self.kind))], -1))

    def at(self, ids: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same for all ids after one place of each row: places (B,) -> (B, m), (B, n + 5), (B, n + 5, V)."""
        read, weights = self.read(ids), self.recalled(ids)
        features, offsets = self._prior(read, weights)
        guides = len(self.GUIDES)
        parts = np.zeros((len(ids), guides + len(ALWAYS), len(self.kind)))
        for row, place in enumerate(places):
            for i in range(guides):
                followers, share = self.followers(read, i, row, place)
                parts[row, i, followers] = share
            parts[row, guides] = self.seen
            parts[row, guides + 1] = self.novelty.parts(ids[row, place], np.arange(len(self.kind)))
            parts[row, guides + 2] = 1 / len(self.kind)
            for i, weight in enumerate(weights, guides + 3):
                sums = np.bincount(ids[row], weight[row, place], minlength=len(self.kind))
                parts[row, i] = _share(sums, weight[row, place].sum())
        rows = np.arange(len(ids))
        return features[rows, places], offsets[rows, places], log(parts)

    def recalled(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weights of cache and follower over the block, (B, T, T) each."""
        return self.recency.weights(ids, levels(self.novelty.counts)[ids])

    def _prior(self, read: Reading, weights: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        offsets = read.offsets.copy()
        offsets[..., : len(self.GUIDES)] += (read.sizes * self.own).sum(-1) / 3
        block = [log(weight.sum(-1))[..., None] for weight in weights]
        return read.features, np.concatenate([offsets, *block], -1)


def log(p: np.ndarray) -> np.ndarray:
    """log p, and ABSENT where p is 0."""
    return np.log(p, out=np.full(p.shape, ABSENT), where=p > 0)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where there is no whole."""
    return part / np.where(whole > 0, whole, 1)
