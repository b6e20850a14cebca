"""The evidence of Euclid's memory: what followed the contexts of the text that are nearest to this one.

The guides, each a distribution over all V ids:

    circle      all points of the first lag's circle, each different (token before, target) counted once: points that
                coincide are one point (`lyceum.personas.memory.counts`, Kneser-Ney's continuation counts)
    lag 1 wide, lag 1 middle, lag 1 narrow, .. lag 3 narrow
                votes of the 512 nearest in the circle of each of three lags, by three rulers (`neighbours`, `votes`)

Their sizes are log sum S and log m, their offsets log(1 - m). Seen, novel and uniform have offsets log .895 b, log .1 b
and log .005 b, with b the circle's m. The rest is as in `lyceum.personas.memory.evidence`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from lyceum.personas.euclid.memory.neighbours import Circles, Space, circles, contexts
from lyceum.personas.euclid.memory.votes import Rule, Votes, votes
from lyceum.personas.memory import evidence
from lyceum.personas.memory.counts import TOKEN, Context, Table, count
from lyceum.personas.memory.evidence import Lookup, log

CIRCLE = Context(((1, TOKEN),), continuation=True)
LAGS = (0, 1, 2)  # the lags whose circles are searched, latest first
RULERS = ("wide", "middle", "narrow")  # the names of `Rule.rulers`
NAMES = [f"lag {lag + 1} {ruler}" for lag in LAGS for ruler in RULERS]


@dataclass(frozen=True, eq=False)
class Evidence(evidence.Evidence):
    """coordinates (V, AXES) int8: e. space, rule: how neighbours are found and how they vote. lags: of the circles.

    order_0: the shares of seen, novel and uniform.
    """

    GUIDES: ClassVar = ("circle", *NAMES)
    FEATURES: ClassVar = (
        "one", "position", "novelty", "present",
        *(f"{name} {what}" for name in GUIDES for what in ("log votes", "backoff")),
    )  # fmt: skip
    START: ClassVar = dict.fromkeys(NAMES[len(RULERS) :], -2.0) | {"cache": -7.0, "follow": -5.0}

    coordinates: np.ndarray = field(repr=False)
    space: Space = Space()
    rule: Rule = Rule()
    lags: tuple[int, ...] = LAGS
    order_0: tuple[float, ...] = (0.895, 0.1, 0.005)

    @cached_property
    def table(self) -> Table:
        return count(self.pieces, CIRCLE, np.arange(len(self.surface_class))[None])

    @cached_property
    def circles(self) -> tuple[Circles, ...]:
        return tuple(circles(self.pieces, self.coordinates, lag, self.space) for lag in self.lags)

    def guide_probs(self, lookup: Lookup, targets: np.ndarray) -> list[np.ndarray]:
        keys, rows, by_lag = lookup.matches
        near = [p.reshape(targets.shape) for each in by_lag for p in each.probs(targets.ravel())]
        return [np.where(rows >= 0, self.table.probs(keys, targets), 0), *near]

    def followers(self, lookup: Lookup, guide: int, row: int, position: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows, by_lag = lookup.matches
        if guide == 0:
            return self.table.followers(rows[row, position])
        lag, ruler = divmod(guide - 1, len(self.rule.rulers))
        return by_lag[lag].row(ruler, row * rows.shape[1] + position)

    def look_up(self, ids: np.ndarray) -> Lookup:
        """matches: keys (B, T) uint64 of the first lag's circles, their rows in the table, and the votes by lag."""
        keys = ids.astype(np.uint64)
        rows = self.table.find(keys)
        total, backoff = (np.where(rows >= 0, x[rows], 1) for x in (self.table.total, self.table.backoff))
        by_lag = [self._votes(ids, each) for each in self.circles]
        log_votes = np.stack([np.log(total), *(x.reshape(ids.shape) for each in by_lag for x in each.log_votes)], -1)
        backoff = np.stack([backoff, *(x.reshape(ids.shape) for each in by_lag for x in each.backoff)], -1)
        sizes = np.stack([log_votes, np.log(backoff)], -1)
        order_0 = np.log(backoff[..., :1]) + np.log(self.order_0)
        position = np.broadcast_to(np.log1p(np.arange(ids.shape[1])), ids.shape)
        novelty, present = np.log(self.novelty.rate[self.surface_class[ids]]), np.log1p(self.novelty.counts[ids])
        first = np.stack([np.ones(ids.shape), position, novelty, present], -1)
        features = np.concatenate([first, sizes.reshape(*ids.shape, -1)], -1)
        return Lookup(sizes, features, np.concatenate([log(1 - backoff), order_0], -1), (keys, rows, by_lag))

    def _votes(self, ids: np.ndarray, of_lag: Circles) -> Votes:
        lags = len(self.space.lag_weights)
        rows, distances = of_lag.nearest(contexts(ids, lags).reshape(-1, lags))
        return votes(of_lag.targets[rows], distances, rows >= 0, len(self.surface_class), self.rule)
