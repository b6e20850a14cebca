"""What memory brings to a place: what followed this context, and its kin, in the text.

The guides, each a distribution over all V ids (`lyceum.personas.memory.counts`): the discounted parts of g4, g3, g2 (Kneser-Ney's
orders), of skips s and of contexts of categories c, k. Their offsets, with those of the parts that both personas share
(`lyceum.personas.memory.evidence`):

    o_g4 = log(1 - m4)     o_g3 = log m4 (1 - m3)     o_g2 = log m4 m3 (1 - m2)     o_s, o_c, o_k = log(1 - m)
    o_seen = log .895 b    o_novel = log .1 b         o_uniform = log .005 b        b = m4 m3 m2

and -1e4 where a context was never met or reaches out of the block; sizes are log(1 + c(h)) and log(1 + types(h)). So
the orders and the next three alone are interpolated Kneser-Ney, with surface form and a little uniform at order 0:
uniform alone charges 14 nats for a token never met, 0.3 of the whole loss, and most of that is not ignorance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from lyceum.personas.memory import evidence
from lyceum.personas.memory.counts import GENUS, SPECIES, TOKEN, Context, Table, count
from lyceum.personas.memory.evidence import Lookup, log

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
ORDER_0 = {"seen": 0.895, "novel": 0.1, "uniform": 0.005}
RARE = {"s3": -4.0, "s4": -4.0, "k2": -4.0, "cache": -7.0, "follow": -5.0}


@dataclass(frozen=True, eq=False)
class Evidence(evidence.Evidence):
    """readings (3, V): each id itself, its species, its genus (A8)."""

    GUIDES: ClassVar = tuple(CONTEXTS)
    FEATURES: ClassVar = (
        "one", "position",
        *(f"{name} {what}" for name in reversed(ORDERS) for what in ("count", "backoff", "seen", "variety")),
        "novelty", "present", "backoff", "s31 count", "s32 count",
    )  # fmt: skip
    # Kneser-Ney and the model with equal weights, everything else a little.
    START: ClassVar = dict.fromkeys(CONTEXTS.keys() - ORDERS, -3.0) | RARE

    readings: np.ndarray = field(repr=False)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        return tuple(count(self.pieces, context, self.readings) for context in CONTEXTS.values())

    def guide_probs(self, lookup: Lookup, targets: np.ndarray) -> list[np.ndarray]:
        found = zip(self.tables, *lookup.matches, strict=True)
        return [np.where(row >= 0, table.probs(key, targets), 0) for table, key, row in found]

    def followers(self, lookup: Lookup, guide: int, row: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows = lookup.matches
        return self.tables[guide].followers(rows[guide, row, place])

    def look_up(self, ids: np.ndarray) -> Lookup:
        """met: keys (14, B, T) uint64 of the contexts, and where each stands in its table, -1 where it does not."""
        shape = (len(CONTEXTS), *ids.shape)
        keys, rows = np.zeros(shape, np.uint64), np.full(shape, -1)
        total, types, kept = np.zeros(shape), np.zeros(shape), np.ones(shape)
        for i, (context, table) in enumerate(zip(CONTEXTS.values(), self.tables, strict=True)):
            inside = np.arange(context.reach, ids.shape[1] + 1)  # places of targets whose context lies in the block
            keys[i][:, inside - 1] = context.keys(ids, self.readings, inside)
            rows[i][:, inside - 1] = row = table.find(keys[i][:, inside - 1])
            total[i][:, inside - 1] = np.where(row >= 0, table.total[row], 0)
            types[i][:, inside - 1] = np.where(row >= 0, table.types[row], 0)
            kept[i][:, inside - 1] = np.where(row >= 0, table.backoff[row], 1)
        sizes = np.stack([np.log1p(total), np.log1p(types)], -1)
        backing = dict(zip(ORDERS, np.cumsum(np.log(kept[: len(ORDERS)]), 0), strict=True))
        offsets = log(1 - kept)
        offsets[1 : len(ORDERS)] += np.stack([backing[name] for name in ORDERS[:-1]])
        order_0 = [backing["g2"] + np.log(share) for share in ORDER_0.values()]
        features = self._features(ids, sizes, np.log(kept), backing["g2"])
        return Lookup(np.moveaxis(sizes, 0, 2), features, np.stack([*offsets, *order_0], -1), (keys, rows))

    def _features(self, ids: np.ndarray, sizes: np.ndarray, kept: np.ndarray, backing: np.ndarray) -> np.ndarray:
        index = {name: i for i, name in enumerate(CONTEXTS)}
        found = [np.ones(ids.shape), np.broadcast_to(np.log1p(np.arange(ids.shape[1])), ids.shape)]
        for name in reversed(ORDERS):
            total, types = np.moveaxis(sizes[index[name]], -1, 0)
            found += [total, kept[index[name]], total > 0, total - types]
        found += [np.log(self.novelty.rate[self.surface_class[ids]]), np.log1p(self.novelty.counts[ids]), backing]
        return np.stack([*found, sizes[index["s31"]][..., 0], sizes[index["s32"]][..., 0]], -1)
