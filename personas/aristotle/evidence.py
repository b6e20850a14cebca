"""What memory brings to a place: how much it knows there, and the probability that each part of it gives the target.

The parts, each a distribution over all V ids (`counts`, `novelty`, `recency`):

    14 tables  the discounted parts of g4, g3, g2 (Kneser-Ney's orders), of skips s and of contexts of categories c, k
    seen       (c_w - 3/4)^+, normalised: how often a token was met at all
    novel      the surface form of tokens never met
    uniform    1 / V, so that nothing is impossible
    cache, follow   the block itself

Each comes with an *offset*, its log weight before the gate has judged: o + v . (log(1 + c(h)), log(1 + types(h))) / 3,

    o_g4 = log(1 - m4)     o_g3 = log m4 (1 - m3)     o_g2 = log m4 m3 (1 - m2)     o_s, o_c, o_k = log(1 - m)
    o_seen = log .895 b    o_novel = log .1 b         o_uniform = log .005 b        b = m4 m3 m2
    o_cache = log sum K    o_follow = log sum F       -1e4 where a context was never met or reaches out of the block

so that the first three and the next three alone are interpolated Kneser-Ney, with surface form and a little uniform at
order 0: uniform alone charges 14 nats for a token never met, 0.3 of the whole loss, and most of that is not ignorance.

Theorem (causality). Features and offsets at place t are functions of ids[: t + 1], probabilities of those and the
target: every array is indexed by places up to t. Nothing here is differentiated; both wings read the same arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from personas.aristotle.counts import GENUS, SPECIES, TOKEN, Context, Table, count
from personas.aristotle.novelty import Novelty, novelty
from personas.aristotle.recency import Recency, levels

CONTEXTS = {
    "g4": Context(((3, TOKEN), (2, TOKEN), (1, TOKEN))),
    "g3": Context(((2, TOKEN), (1, TOKEN)), continuation=True),
    "g2": Context(((1, TOKEN),), continuation=True),
    "s2": Context(((2, TOKEN),)),
    "s32": Context(((3, TOKEN), (2, TOKEN))),
    "s31": Context(((3, TOKEN), (1, TOKEN))),
    "s3": Context(((3, TOKEN),)),
    "s4": Context(((4, TOKEN),)),
    "c3": Context(((2, GENUS), (1, TOKEN))),
    "k2": Context(((1, SPECIES),)),
    "k3": Context(((2, SPECIES), (1, SPECIES))),
    "k4": Context(((3, GENUS), (2, SPECIES), (1, SPECIES))),
    "c4": Context(((3, GENUS), (2, GENUS), (1, TOKEN))),
    "cs3": Context(((2, SPECIES), (1, TOKEN))),
}
ORDERS = ("g4", "g3", "g2")
PARTS = (*CONTEXTS, "seen", "novel", "uniform", "cache", "follow")
FEATURES = (
    "one", "place",
    *(f"{name} {what}" for name in reversed(ORDERS) for what in ("count", "kept", "met", "variety")),
    "novelty", "present", "kept", "s31 count", "s32 count",
)  # fmt: skip
ABSENT = -1e4  # the log of nothing: exp of it is 0 in every precision, and float16 can hold twice it
DISCOUNT, ORDER_0 = 0.75, {"seen": 0.895, "novel": 0.1, "uniform": 0.005}


@dataclass(frozen=True, eq=False)
class Reading:
    """What the tables say of the contexts of a batch (B, T).

    keys (14, B, T) uint64; rows (14, B, T): in its table, -1 where a context was never met or reaches out of the block.
    sizes (B, T, 14, 2): log(1 + c(h)), log(1 + types(h)). features (B, T, 19). offsets (B, T, 17): o of all parts but
    cache and follow, without v.
    """

    keys: np.ndarray
    rows: np.ndarray
    sizes: np.ndarray
    features: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True, eq=False)
class Evidence:
    """pieces: the text (N_i,) that is remembered. readings (3, V): each id itself, its species, its genus (A8).

    kind (V,): its surface class. own (14, 2): v. recency: the constants of cache and follower. Counts are made on
    first use.
    """

    pieces: tuple[np.ndarray, ...] = field(repr=False)
    readings: np.ndarray = field(repr=False)
    kind: np.ndarray = field(repr=False)
    own: np.ndarray = field(repr=False)
    recency: Recency = field(repr=False)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        return tuple(count(self.pieces, context, self.readings) for context in CONTEXTS.values())

    @cached_property
    def novelty(self) -> Novelty:
        return novelty(self.pieces, self.kind)

    @cached_property
    def seen(self) -> np.ndarray:
        taken = np.maximum(self.novelty.counts - DISCOUNT, 0)
        return taken / taken.sum()

    def of(self, ids: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ids, targets (B, T) -> features, offsets, log p(target) of each part, (B, T, 19) float64 each."""
        read, weights = self.read(ids), self.recalled(ids)
        found = zip(self.tables, read.keys, read.rows, strict=True)
        parts = [np.where(row >= 0, table.parts(key, targets), 0) for table, key, row in found]
        parts += [self.seen[targets], self.novelty.parts(ids, targets), np.full(ids.shape, 1 / len(self.kind))]
        hit = ids[:, None, :] == targets[:, :, None]
        parts += [_share((weight * hit).sum(-1), weight.sum(-1)) for weight in weights]
        return *self._prior(read, weights), _log(np.stack(parts, -1))

    def at(self, ids: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same for all ids after one place of each row: ids (B, T), places (B,) -> (B, 19), (B, 19), (B, 19, V)."""
        read, weights = self.read(ids), self.recalled(ids)
        features, offsets = self._prior(read, weights)
        parts = np.zeros((len(ids), len(PARTS), len(self.kind)))
        for row, place in enumerate(places):
            for i, table in enumerate(self.tables):
                if read.rows[i, row, place] >= 0:
                    followers, share = table.followers(read.rows[i, row, place])
                    parts[row, i, followers] = share
            parts[row, 14] = self.seen
            parts[row, 15] = self.novelty.parts(ids[row, place], np.arange(len(self.kind)))
            parts[row, 16] = 1 / len(self.kind)
            for i, weight in enumerate(weights, 17):
                sums = np.bincount(ids[row], weight[row, place], minlength=len(self.kind))
                parts[row, i] = _share(sums, weight[row, place].sum())
        rows = np.arange(len(ids))
        return features[rows, places], offsets[rows, places], _log(parts)

    def recalled(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weights of cache and follower over the block, (B, T, T) each."""
        return self.recency.weights(ids, levels(self.novelty.counts)[ids])

    def read(self, ids: np.ndarray) -> Reading:
        """What the tables say of the contexts of ids (B, T)."""
        shape = (len(CONTEXTS), *ids.shape)
        keys, rows = np.zeros(shape, np.uint64), np.full(shape, -1)
        total, types, kept = np.zeros(shape), np.zeros(shape), np.ones(shape)
        for i, (context, table) in enumerate(zip(CONTEXTS.values(), self.tables, strict=True)):
            inside = np.arange(context.reach, ids.shape[1] + 1)  # places of targets whose context lies in the block
            keys[i][:, inside - 1] = context.keys(ids, self.readings, inside)
            rows[i][:, inside - 1] = row = table.find(keys[i][:, inside - 1])
            total[i][:, inside - 1] = np.where(row >= 0, table.total[row], 0)
            types[i][:, inside - 1] = np.where(row >= 0, table.types[row], 0)
            kept[i][:, inside - 1] = np.where(row >= 0, table.kept[row], 1)
        sizes = np.stack([np.log1p(total), np.log1p(types)], -1)
        backing = dict(zip(ORDERS, np.cumsum(np.log(kept[: len(ORDERS)]), 0), strict=True))
        offsets = _log(1 - kept)
        offsets[1 : len(ORDERS)] += np.stack([backing[name] for name in ORDERS[:-1]])
        order_0 = [backing["g2"] + np.log(share) for share in ORDER_0.values()]
        features = self._features(ids, sizes, np.log(kept), backing["g2"])
        return Reading(keys, rows, np.moveaxis(sizes, 0, 2), features, np.stack([*offsets, *order_0], -1))

    def _features(self, ids: np.ndarray, sizes: np.ndarray, kept: np.ndarray, backing: np.ndarray) -> np.ndarray:
        index = {name: i for i, name in enumerate(CONTEXTS)}
        found = [np.ones(ids.shape), np.broadcast_to(np.log1p(np.arange(ids.shape[1])), ids.shape)]
        for name in reversed(ORDERS):
            total, types = np.moveaxis(sizes[index[name]], -1, 0)
            found += [total, kept[index[name]], total > 0, total - types]
        found += [np.log(self.novelty.rate[self.kind[ids]]), np.log1p(self.novelty.counts[ids]), backing]
        return np.stack([*found, sizes[index["s31"]][..., 0], sizes[index["s32"]][..., 0]], -1)

    def _prior(self, read: Reading, weights: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        offsets = read.offsets.copy()
        offsets[..., : len(CONTEXTS)] += (read.sizes * self.own).sum(-1) / 3
        block = [_log(weight.sum(-1))[..., None] for weight in weights]
        return read.features, np.concatenate([offsets, *block], -1)


def _log(p: np.ndarray) -> np.ndarray:
    """log p, and ABSENT where p is 0."""
    return np.log(p, out=np.full(p.shape, ABSENT), where=p > 0)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where there is no whole."""
    return part / np.where(whole > 0, whole, 1)
