"""What memory brings to a place: what followed the points of the text that are nearest to this context.

The guides, each a distribution over all V ids:

    circle              all points of the first lag's circle, each different (token before, value) counted once: points
                        that coincide are one point (`lyceum.personas.memory.counts`, Kneser-Ney's continuation counts)
    lag 1 wide .. lag 3 narrow      the votes of the 512 nearest in the circle of each of three lags, by three rulers
                        (`lyceum.personas.euclid.memory.neighbours`, `lyceum.personas.euclid.memory.votes`)

Their sizes are log sum S and log m, their offsets log(1 - m). Seen, novel and uniform have log .895 b, log .1 b and
log .005 b, with b the circle's m. The rest is as in `lyceum.personas.memory.evidence`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from lyceum.personas.euclid.memory.neighbours import Circles, circles, contexts
from lyceum.personas.euclid.memory.votes import RULERS, Votes, votes
from lyceum.personas.memory import evidence
from lyceum.personas.memory.counts import TOKEN, Context, Table, count
from lyceum.personas.memory.evidence import Lookup, log

CIRCLE = Context(((1, TOKEN),), continuation=True)
LAGS = (0, 1, 2)  # the lags whose circles are asked, from 0
ORDER_0 = (0.895, 0.1, 0.005)
NAMES = [f"lag {lag + 1} {ruler}" for lag in LAGS for ruler in ("wide", "middle", "narrow")]


@dataclass(frozen=True, eq=False)
class Evidence(evidence.Evidence):
    """corner (V, AXES) int8: e, each token's place among its kin."""

    GUIDES: ClassVar = ("circle", *NAMES)
    FEATURES: ClassVar = (
        "one", "position", "novelty", "present",
        *(f"{name} {what}" for name in GUIDES for what in ("loud", "backoff")),
    )  # fmt: skip
    START: ClassVar = dict.fromkeys(NAMES[len(RULERS) :], -2.0) | {"cache": -7.0, "follow": -5.0}

    corner: np.ndarray = field(repr=False)

    @cached_property
    def table(self) -> Table:
        return count(self.pieces, CIRCLE, np.arange(len(self.surface_class))[None])

    @cached_property
    def circles(self) -> tuple[Circles, ...]:
        return tuple(circles(self.pieces, self.corner, lag) for lag in LAGS)

    def guide_probs(self, lookup: Lookup, targets: np.ndarray) -> list[np.ndarray]:
        keys, rows, heard = lookup.matches
        near = [share.reshape(targets.shape) for found in heard for share in found.of(targets.ravel())]
        return [np.where(rows >= 0, self.table.probs(keys, targets), 0), *near]

    def followers(self, lookup: Lookup, guide: int, row: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows, heard = lookup.matches
        if guide == 0:
            return self.table.followers(rows[row, place])
        lag, ruler = divmod(guide - 1, len(RULERS))
        return heard[lag].row(ruler, row * rows.shape[1] + place)

    def look_up(self, ids: np.ndarray) -> Lookup:
        """met: keys (B, T) uint64 of the first lag's circles, where each stands in the table, and the votes by lag."""
        keys = ids.astype(np.uint64)
        rows = self.table.find(keys)
        total, kept = (np.where(rows >= 0, x[rows], 1) for x in (self.table.total, self.table.backoff))
        heard = [self._heard(ids, own) for own in self.circles]
        loud = np.stack([np.log(total), *(x.reshape(ids.shape) for found in heard for x in found.loud)], -1)
        kept = np.stack([kept, *(x.reshape(ids.shape) for found in heard for x in found.backoff)], -1)
        sizes = np.stack([loud, np.log(kept)], -1)
        order_0 = np.log(kept[..., :1]) + np.log(ORDER_0)
        place = np.broadcast_to(np.log1p(np.arange(ids.shape[1])), ids.shape)
        own = [
            np.ones(ids.shape),
            place,
            np.log(self.novelty.rate[self.surface_class[ids]]),
            np.log1p(self.novelty.counts[ids]),
        ]
        features = np.concatenate([np.stack(own, -1), sizes.reshape(*ids.shape, -1)], -1)
        return Lookup(sizes, features, np.concatenate([log(1 - kept), order_0], -1), (keys, rows, heard))

    def _heard(self, ids: np.ndarray, own: Circles) -> Votes:
        rows, distances = own.nearest(contexts(ids).reshape(-1, len(own.others) + 1))
        return votes(own.values[rows], distances, rows >= 0, len(self.surface_class))
