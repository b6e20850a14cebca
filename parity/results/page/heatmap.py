"""The heat map of a report: rows are layers that open to their cases, columns are variants, a cell is a worst share.

The share error / bound is what can be compared across cases, precisions and frameworks: 1 is the limit everywhere. It
is coloured by decades: whether a variant uses a thousandth or a tenth of its bound says how far it is from failing,
while 0.02 against 0.03 says nothing. Only a share beyond half of the bound has one more shade. Every cell shows a
number or a sign as well, so that nobody has to distinguish colours:

    =   exact        0.03   within the bound        ✕ 7   beyond it        limited   cannot be compared
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from parity.results.grouping import grouped, layer_of, title_of
from parity.results.table import share
from parity.results.verdict import Verdict

SHADES = (1e-3, 1e-2, 1e-1, 0.5, 1.0)  # one colour for the shares up to each
PRECISIONS = ("float64", "float32", "bfloat16", "float16")
BACKENDS = ("torch", "mlx")
SOURCES = (*BACKENDS, "reference", "bound")  # first words of variants, in the order of their columns


@dataclass(frozen=True)
class Column:
    """A variant. group: its precision, or "oracle" for what checks the oracle itself. label: the rest of its name."""

    variant: str
    group: str
    label: str

    @property
    def rank(self) -> tuple:
        """Columns in order: precision by precision, each variant with the backends side by side; the oracle last."""
        source, _, variant = self.label.partition(" ")
        group = (*PRECISIONS, "other", "oracle").index(self.group)
        position = SOURCES.index(source) if source in SOURCES else len(SOURCES)
        return (group, position, variant) if self.group == "oracle" else (group, variant, position)


@dataclass(frozen=True)
class Square:
    """A cell. text: its number or sign. level: the name of its colour. words: the same for those who only hear it.

    partly: whether some of its comparisons, not all, are limitations.
    """

    text: str
    level: str
    words: str
    partly: bool


@dataclass(frozen=True)
class Line:
    """A case within its layer, or the layer itself. index: into the cases or layers. squares: one a variant, None
    where the case does not have it.
    """

    name: str
    index: int
    failures: int
    squares: tuple[Square | None, ...]


@dataclass(frozen=True)
class Layer:
    """All cases whose names have the same part before the colon, and their worst."""

    line: Line
    cases: tuple[Line, ...]


def columns(verdicts: Iterable[Verdict]) -> list[Column]:
    """The columns of all variants that occur."""
    return sorted(map(_column, dict.fromkeys(v.variant for v in verdicts)), key=lambda column: column.rank)


def _column(variant: str) -> Column:
    words = variant.split()
    if variant.startswith(("reference", "bound")):
        return Column(variant, "oracle", variant)
    group = next((word for word in words if word in PRECISIONS), "other")
    return Column(variant, group, " ".join(word for word in words if word != group) or variant)


def layers(verdicts: Iterable[Verdict], variants: list[Column]) -> list[Layer]:
    """The rows, in the order of the verdicts."""
    verdicts = list(verdicts)
    index = {case: i for i, case in enumerate(grouped(verdicts, lambda v: v.case))}
    rows = []
    for number, (name, group) in enumerate(grouped(verdicts, lambda v: layer_of(v.case)).items()):
        cases = grouped(group, lambda v: v.case)
        lines = tuple(_line(title_of(case), case, index[case], cases[case], variants) for case in cases)
        rows.append(Layer(_line(name, name, number, group, variants), lines))
    return rows


def _line(name: str, full_name: str, index: int, verdicts: list[Verdict], variants: list[Column]) -> Line:
    groups = grouped(verdicts, lambda v: v.variant)
    names = [column.variant for column in variants]
    squares = (square(f"{full_name}, {name}", groups[name]) if name in groups else None for name in names)
    return Line(name, index, sum(not v.ok for v in verdicts), tuple(squares))


def square(name: str, verdicts: list[Verdict]) -> Square:
    """The cell of some verdicts of one variant. name: of the case or layer, and of the variant."""
    limitations = [v.limitation for v in verdicts if v.limitation]
    failures = sum(not v.ok for v in verdicts)
    reasons = "; ".join(dict.fromkeys(limitations))
    if len(limitations) == len(verdicts):
        return Square("limited", "limited", f"{name}: limitation: {reasons}", False)
    worst = max((share(v) for v in verdicts if not v.limitation), key=severity)
    count = f"{failures} failed of {len(verdicts)}" if failures else f"{len(verdicts)} passed"
    rest = f", {len(limitations)} limited: {reasons}" if limitations else ""
    words = f"{name}: {count}, worst error / bound {short(worst)}{rest}"
    return Square(sign(worst, failures > 0), level(worst), words, bool(limitations))


def sign(value: float, failed: bool) -> str:
    """The text of a cell: a share, marked if it failed, "=" for exact."""
    if failed:
        return f"✕ {short(value)}"
    return "=" if value == 0 else short(value)


def severity(value: float) -> float:
    """A share for comparison: one that is not a number is worse than any."""
    return math.inf if math.isnan(value) else value


def level(value: float) -> str:
    """The name of a share's colour: "exact", "shade-0" (a thousandth at most) ... "shade-4" (up to 1), "over"."""
    if value == 0:
        return "exact"
    return next((f"shade-{i}" for i, edge in enumerate(SHADES) if value <= edge), "over")


def short(value: float) -> str:
    """A share or another positive number in about four characters."""
    if not math.isfinite(value):
        return "∞" if math.isinf(value) else "NaN"
    if value == 0:
        return "0"
    if 0.01 <= value < 100:
        return f"{value:.2f}" if value < 10 else f"{value:.0f}"
    mantissa, _, exponent = f"{value:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}"
