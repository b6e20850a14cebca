"""The strip chart of a report: every verdict of a case as a dot on a logarithmic axis of error / bound.

A heat map shows the worst of a variant; the strip shows whether the rest is near the limit or far from it. The axis
reaches from a fixed share to the worst share, at least to ten times the limit, so that it always includes the limit at
1. An error of exactly 0 has no logarithm; its dot is at the left edge. The dot of what is beyond the axis, or not a
number, is at the right edge. Positions are percentages of the width, so that the page can give the strip any width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from parity.results.grouping import grouped, layer_of, title_of
from parity.results.page.heatmap import BACKENDS, severity, short
from parity.results.table import share
from parity.results.verdict import Verdict

FROM, TO = -6, 3  # decades: the axis begins at FROM and never ends beyond TO
EDGES = 1.5, 98.5  # percent: the positions of zero and infinity
INSIDE = 6.0, 94.0  # percent: the axis itself


@dataclass(frozen=True)
class Dot:
    """x: percent. lane: 0 torch, 1 mlx, 2 any other variant."""

    x: float
    lane: int
    failed: bool


@dataclass(frozen=True)
class Strip:
    """The dots of a case, those that look the same but once. words: the strip for those who only hear it."""

    name: str
    dots: tuple[Dot, ...]
    words: str


@dataclass(frozen=True)
class Chart:
    """ticks: (percent, power of ten). limit: the percent of a share of 1. layers: {layer: strips}."""

    ticks: tuple[tuple[float, int], ...]
    limit: float
    layers: dict[str, list[Strip]]


def chart(verdicts: Iterable[Verdict]) -> Chart:
    """The strips of all cases; limitations have no error and do not occur."""
    compared = [v for v in verdicts if not v.limitation]
    shares = [share(v) for v in compared]
    finite = [math.log10(s) for s in shares if 0 < s < math.inf]
    last = min(TO, max(1, math.ceil(max(finite, default=0))))

    def position(value: float) -> float:
        if value == 0:
            return EDGES[0]
        decade = math.log10(value) if 0 < value < math.inf else math.inf
        if decade > last:
            return EDGES[1]
        part = (max(decade, FROM) - FROM) / (last - FROM)
        return round(INSIDE[0] + part * (INSIDE[1] - INSIDE[0]), 1)

    strips = {}
    for case, group in grouped(compared, lambda v: v.case).items():
        dots = dict.fromkeys(Dot(position(share(v)), _lane(v.variant), not v.ok) for v in group)
        worst = max(map(share, group), key=severity)
        words = f"{case}: {len(group)} verdicts, worst error / bound {short(worst)}"
        # Failures are drawn last, on top.
        strip = Strip(title_of(case), tuple(sorted(dots, key=lambda dot: dot.failed)), words)
        strips.setdefault(layer_of(case), []).append(strip)
    ticks = tuple((position(10.0**power), power) for power in range(FROM, last + 1))
    return Chart(ticks, position(1.0), strips)


def _lane(variant: str) -> int:
    backend = variant.split()[0] if variant else ""
    return BACKENDS.index(backend) if backend in BACKENDS else len(BACKENDS)
