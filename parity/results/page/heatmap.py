"""The heat map of a report: rows are layers that open to their cases, columns are variants, a cell is a worst share.

The share error / bound is what can be compared across cases, precisions and frameworks: 1 is the limit everywhere. It
is coloured by decades, since whether a variant uses a thousandth or a tenth of its bound says how far it is from trouble,
while 0.02 against 0.03 says nothing; only what is beyond half of its bound has a shade of its own. Every cell carries
its number or a sign as well, so that no colour need be told apart:

    =   exact        0.03   within the bound        ✕ 7   beyond it        limited   cannot be compared
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from parity.results.table import share
from parity.results.verdict import Verdict

SHADES = (1e-3, 1e-2, 1e-1, 0.5, 1.0)  # shares up to each have a colour of their own
PRECISIONS = ("float64", "float32", "bfloat16", "float16")
BACKENDS = ("torch", "mlx")
SUBJECTS = (*BACKENDS, "definition", "bound")


@dataclass(frozen=True)
class Column:
    """A variant. group: the precision that it stands under, "oracle" for what judges the oracle itself. label: the rest."""

    variant: str
    group: str
    label: str

    @property
    def rank(self) -> tuple:
        """Columns in order: precision by precision, each variant with the backends side by side; the oracle last."""
        subject, _, variant = self.label.partition(" ")
        group = (*PRECISIONS, "other", "oracle").index(self.group)
        place = SUBJECTS.index(subject) if subject in SUBJECTS else len(SUBJECTS)
        return (group, place, variant) if self.group == "oracle" else (group, variant, place)


@dataclass(frozen=True)
class Square:
    """A cell. text: its number or sign. level: the name of its colour. says: the same in words.

    partly: whether some of its comparisons, not all, are limitations.
    """

    text: str
    level: str
    says: str
    partly: bool


@dataclass(frozen=True)
class Line:
    """A case within its layer, or the layer itself. index: into the cases or layers. squares: None where nothing was."""

    name: str
    index: int
    red: int
    squares: tuple[Square | None, ...]


@dataclass(frozen=True)
class Layer:
    """All cases whose names have the same part before the colon, and their worst."""

    line: Line
    cases: tuple[Line, ...]


def layer_of(case: str) -> str:
    return case.partition(":")[0]


def title_of(case: str) -> str:
    """A case's name without its layer."""
    return case.partition(":")[2].strip() or case


def grouped(items: Iterable, key: Callable[..., Hashable]) -> dict[Hashable, list]:
    """{key of an item: the items that have it}, both in order of appearance."""
    found = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def columns(verdicts: Iterable[Verdict]) -> list[Column]:
    """The columns of all variants that occur."""
    return sorted(map(_column, dict.fromkeys(v.variant for v in verdicts)), key=lambda column: column.rank)


def _column(variant: str) -> Column:
    words = variant.split()
    if variant.startswith(("definition", "bound")):
        return Column(variant, "oracle", variant)
    group = next((word for word in words if word in PRECISIONS), "other")
    return Column(variant, group, " ".join(word for word in words if word != group) or variant)


def layers(verdicts: Iterable[Verdict], variants: list[Column]) -> list[Layer]:
    """The rows, in the order of the verdicts."""
    verdicts = list(verdicts)
    index = {case: i for i, case in enumerate(grouped(verdicts, lambda v: v.case))}
    found = []
    for number, (name, own) in enumerate(grouped(verdicts, lambda v: layer_of(v.case)).items()):
        cases = grouped(own, lambda v: v.case)
        lines = tuple(_line(title_of(case), case, index[case], group, variants) for case, group in cases.items())
        found.append(Layer(_line(name, name, number, own, variants), lines))
    return found


def _line(name: str, whole: str, index: int, verdicts: list[Verdict], variants: list[Column]) -> Line:
    by_variant = grouped(verdicts, lambda v: v.variant)
    squares = (
        square(f"{whole}, {x.variant}", by_variant[x.variant]) if x.variant in by_variant else None for x in variants
    )
    return Line(name, index, sum(not v.ok for v in verdicts), tuple(squares))


def square(whose: str, verdicts: list[Verdict]) -> Square:
    """The cell of some verdicts of one variant."""
    limits, red = [v.limitation for v in verdicts if v.limitation], sum(not v.ok for v in verdicts)
    if len(limits) == len(verdicts):
        return Square("limited", "limited", f"{whose}: limitation: {'; '.join(dict.fromkeys(limits))}", False)
    worst = max((share(v) for v in verdicts if not v.limitation), key=severity)
    count = f"{red} red of {len(verdicts)}" if red else f"{len(verdicts)} green"
    also = f", {len(limits)} limited: {'; '.join(dict.fromkeys(limits))}" if limits else ""
    text = f"✕ {short(worst)}" if red else "=" if worst == 0 else short(worst)
    return Square(text, level(worst), f"{whose}: {count}, worst error / bound {short(worst)}{also}", bool(limits))


def severity(value: float) -> float:
    """A share for comparison: one that is not a number is worse than any."""
    return math.inf if math.isnan(value) else value


def level(value: float) -> str:
    """The name of a share's colour: "exact", "shade-0" (a thousandth at most) ... "shade-4" (up to 1), "red"."""
    if value == 0:
        return "exact"
    return next((f"shade-{i}" for i, edge in enumerate(SHADES) if value <= edge), "red")


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
