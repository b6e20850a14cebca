"""The evidence of Aristotle's memory: what followed this context, and contexts like it, in the text.

The guides are distributions over all V ids (`lyceum.personas.memory.counts`): the discounted parts of g4, g3, g2
(Kneser-Ney's orders), of skips s and of contexts of categories c, k. Their offsets, and those of the parts that both
personas share (`lyceum.personas.memory.evidence`), with m the backoff mass of a context:

    o_g4 = log(1 - m4)     o_g3 = log m4 (1 - m3)     o_g2 = log m4 m3 (1 - m2)     o_s, o_c, o_k = log(1 - m)
    o_seen = log .895 b    o_novel = log .1 b         o_uniform = log .005 b        b = m4 m3 m2

and -1e4 where the text lacks a context or the block is too short for it; sizes are log(1 + c(h)) and log(1 + types(h)).
So the orders and the last three parts, taken by themselves, are interpolated Kneser-Ney with surface form and a little
uniform at order 0. Uniform alone would cost 14 nats for each token that the text lacks, 0.3 nats of the mean loss, more
than it must.
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
    """readings (3, V): each id as itself, its species, its genus in the category tree. contexts: of the guides.

    order_0: the shares of seen, novel and uniform.
    """

    GUIDES: ClassVar = tuple(CONTEXTS)
    FEATURES: ClassVar = (
        "one", "position",
        *(f"{name} {what}" for name in reversed(ORDERS) for what in ("count", "backoff", "seen", "variety")),
        "novelty", "present", "backoff", "s31 count", "s32 count",
    )  # fmt: skip
    # Equal weights for Kneser-Ney and the model, small ones for all other parts.
    START: ClassVar = dict.fromkeys(CONTEXTS.keys() - ORDERS, -3.0) | RARE

    readings: np.ndarray = field(repr=False)
    contexts: tuple[Context, ...] = field(default=tuple(CONTEXTS.values()), repr=False)
    order_0: tuple[float, ...] = tuple(ORDER_0.values())

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        return tuple(count(self.pieces, context, self.readings) for context in self.contexts)

    def guide_probs(self, lookup: Lookup, targets: np.ndarray) -> list[np.ndarray]:
        matches = zip(self.tables, *lookup.matches, strict=True)
        return [np.where(row >= 0, table.probs(key, targets), 0) for table, key, row in matches]

    def followers(self, lookup: Lookup, guide: int, row: int, position: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows = lookup.matches
        return self.tables[guide].followers(rows[guide, row, position])

    def look_up(self, ids: np.ndarray) -> Lookup:
        """matches: keys (14, B, T) uint64 of the contexts, and their rows in the tables, -1 where a table lacks one."""
        shape = (len(self.contexts), *ids.shape)
        keys, rows = np.zeros(shape, np.uint64), np.full(shape, -1)
        total, types, backoff = np.zeros(shape), np.zeros(shape), np.ones(shape)
        for i, (context, table) in enumerate(zip(self.contexts, self.tables, strict=True)):
            inside = np.arange(context.reach, ids.shape[1] + 1)  # targets whose context is in the block
            keys[i][:, inside - 1] = context.keys(ids, self.readings, inside)
            rows[i][:, inside - 1] = row = table.find(keys[i][:, inside - 1])
            total[i][:, inside - 1] = np.where(row >= 0, table.total[row], 0)
            types[i][:, inside - 1] = np.where(row >= 0, table.types[row], 0)
            backoff[i][:, inside - 1] = np.where(row >= 0, table.backoff[row], 1)
        sizes = np.stack([np.log1p(total), np.log1p(types)], -1)
        below = np.cumsum(np.log(backoff[: len(ORDERS)]), 0)  # log of the mass that each order leaves to lower ones
        offsets = log(1 - backoff)
        offsets[1 : len(ORDERS)] += below[:-1]
        order_0 = [below[-1] + np.log(share) for share in self.order_0]
        features = self._features(ids, sizes, np.log(backoff), below[-1])
        return Lookup(np.moveaxis(sizes, 0, 2), features, np.stack([*offsets, *order_0], -1), (keys, rows))

    def _features(self, ids: np.ndarray, sizes: np.ndarray, backoff: np.ndarray, below: np.ndarray) -> np.ndarray:
        """FEATURES as an array (B, T, m). backoff: logs, (14, B, T). below: log of the mass left to order 0, (B, T)."""
        index = {name: i for i, name in enumerate(CONTEXTS)}
        features = [np.ones(ids.shape), np.broadcast_to(np.log1p(np.arange(ids.shape[1])), ids.shape)]
        for name in reversed(ORDERS):
            total, types = np.moveaxis(sizes[index[name]], -1, 0)
            features += [total, backoff[index[name]], total > 0, total - types]
        features += [np.log(self.novelty.rate[self.surface_class[ids]]), np.log1p(self.novelty.counts[ids]), below]
        return np.stack([*features, sizes[index["s31"]][..., 0], sizes[index["s32"]][..., 0]], -1)
