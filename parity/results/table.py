"""Verdicts as a table: one row a case, one column a variant.

A cell shows the worst error of the variant's tensors relative to the case's scale, and the greatest share of a bound
that was used up, so 1 is the limit. The scale is the oracle's greatest magnitude in any tensor of the case: a gradient
that is exactly zero has no scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table

from parity.results.console import empty_table
from parity.results.verdict import Verdict

COLUMNS = 8  # variants side by side that fit the width of a report


@dataclass(frozen=True)
class Cell:
    """A variant of a case. relative: worst error / scale of the case. share: worst error / bound. failures: count."""

    relative: float
    share: float
    failures: int

    def __str__(self) -> str:
        if self.failures:
            return f"[red]{self.relative:.0e} {self.share:.1e}[/]"
        return "exact" if self.relative == 0 else f"{self.relative:.0e} {self.share:.2f}"


def cells(verdicts: list[Verdict]) -> dict[str, dict[str, Cell]]:
    """{case: {variant: Cell}}, in the order of the verdicts."""
    by_case: dict[str, dict[str, list[Verdict]]] = {}
    for verdict in verdicts:
        if not verdict.limitation:
            by_case.setdefault(verdict.case, {}).setdefault(verdict.variant, []).append(verdict)
    return {
        case: {variant: _cell(group, _scale(by_variant)) for variant, group in by_variant.items()}
        for case, by_variant in by_case.items()
    }


def _scale(by_variant: dict[str, list[Verdict]]) -> float:
    # The two variants that check the oracle itself compare other quantities than its tensors.
    variants = (v for v in by_variant if not v.endswith("slope") and not v.startswith("bound"))
    return max((verdict.scale for variant in variants for verdict in by_variant[variant]), default=0.0)


def _cell(verdicts: list[Verdict], scale: float) -> Cell:
    # A slope is one number, the sum over all tensors, with its scale.
    relative = max(v.error / ((v.scale if v.variant.endswith("slope") else scale) or 1.0) for v in verdicts)
    return Cell(relative, max(map(share, verdicts)), sum(not v.ok for v in verdicts))


def share(verdict: Verdict) -> float:
    """error / bound; 0 where both are 0."""
    if verdict.bound:
        return verdict.error / verdict.bound
    return math.inf if verdict.error else 0.0


def tables(verdicts: list[Verdict], title: str) -> Iterator[Table]:
    """Any verdicts as rich tables, COLUMNS variants in each."""
    variants = list(dict.fromkeys(verdict.variant for verdict in verdicts))
    for start in range(0, max(1, len(variants)), COLUMNS):
        columns = variants[start : start + COLUMNS]
        yield table([v for v in verdicts if v.variant in columns], f"{title}, continued" if start else title)


def table(verdicts: list[Verdict], title: str) -> Table:
    """One table."""
    variants = list(dict.fromkeys(verdict.variant for verdict in verdicts))
    table = empty_table(title)
    table.caption = "in each cell: worst error relative to the case's scale, and share of the bound used (1 = limit)"
    table.add_column("case", no_wrap=True)
    for variant in variants:
        table.add_column(variant.replace(" ", "\n", 1), justify="right", no_wrap=True)
    table.add_column("verdict")
    for case, by_variant in cells(verdicts).items():
        failures = sum(cell.failures for cell in by_variant.values())
        verdict = f"[red]{failures} failed[/]" if failures else "[green]passed[/]"
        table.add_row(case, *(str(by_variant.get(variant, "")) for variant in variants), verdict)
    return table


def agreement(verdicts: list[Verdict]) -> float:
    """The worst relative error of the backends in float64, outputs and gradients, over all cases."""
    errors = (
        cell.relative
        for by_variant in cells(verdicts).values()
        for variant, cell in by_variant.items()
        if variant in ("torch float64", "mlx float64")
    )
    return max(errors, default=0.0)
