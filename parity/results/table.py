"""Verdicts as a table that a person reads at a glance.

One row a case, one column a variant. In a cell: the worst error of the variant's tensors relative to the case's scale, and the
worst share of a bound that was used up, so 1 is the limit. The scale is the greatest magnitude that the oracle has in
any tensor of the case: a gradient that is exactly zero has no scale of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table

from parity.results.console import rows
from parity.results.verdict import Verdict

COLUMNS = 8  # variants side by side that fit the width of a report


@dataclass(frozen=True)
class Cell:
    """A variant of a case. relative: worst error / scale of the case. share: worst error / bound. red: failures."""

    relative: float
    share: float
    red: int

    def __str__(self) -> str:
        text = "exact" if self.relative == 0 else f"{self.relative:.0e} {self.share:.2f}"
        return f"[red]{self.relative:.0e} {self.share:.1e}[/]" if self.red else text


def cells(verdicts: list[Verdict]) -> dict[str, dict[str, Cell]]:
    """{case: {variant: Cell}}, in the order of the verdicts."""
    variants: dict[str, dict[str, list[Verdict]]] = {}
    for verdict in (verdict for verdict in verdicts if not verdict.limitation):
        variants.setdefault(verdict.case, {}).setdefault(verdict.variant, []).append(verdict)
    return {
        case: {variant: _cell(found, _scale(by_variant)) for variant, found in by_variant.items()}
        for case, by_variant in variants.items()
    }


def _scale(by_variant: dict[str, list[Verdict]]) -> float:
    # The two variants that judge the oracle itself hold other quantities than its tensors.
    own = (variant for variant in by_variant if not variant.endswith("slope") and not variant.startswith("bound"))
    return max((verdict.scale for variant in own for verdict in by_variant[variant]), default=0.0)


def _cell(verdicts: list[Verdict], scale: float) -> Cell:
    # A slope is one number, the sum over all tensors, and a scale of its own.
    relative = max(v.error / ((v.scale if v.variant.endswith("slope") else scale) or 1.0) for v in verdicts)
    return Cell(relative, max(map(share, verdicts)), sum(not v.ok for v in verdicts))


def share(verdict: Verdict) -> float:
    """error / bound; 0 where both are 0."""
    return verdict.error / verdict.bound if verdict.bound else math.inf if verdict.error else 0.0


def tables(verdicts: list[Verdict], title: str) -> Iterator[Table]:
    """Any verdicts as rich tables, COLUMNS variants in each."""
    variants = list(dict.fromkeys(verdict.variant for verdict in verdicts))
    for start in range(0, max(1, len(variants)), COLUMNS):
        chosen = variants[start : start + COLUMNS]
        yield table(
            [verdict for verdict in verdicts if verdict.variant in chosen], f"{title}{', continued' * bool(start)}"
        )


def table(verdicts: list[Verdict], title: str) -> Table:
    """One table."""
    variants = list(dict.fromkeys(verdict.variant for verdict in verdicts))
    drawn = rows(title)
    drawn.caption = "in each cell: worst error relative to the case's scale, and share of the bound used (1 = limit)"
    drawn.add_column("case", no_wrap=True)
    for variant in variants:
        drawn.add_column(variant.replace(" ", "\n", 1), justify="right", no_wrap=True)
    drawn.add_column("verdict")
    for case, by_variant in cells(verdicts).items():
        red = sum(cell.red for cell in by_variant.values())
        verdict = f"[red]{red} red[/]" if red else "[green]ok[/]"
        drawn.add_row(case, *(str(by_variant.get(variant, "")) for variant in variants), verdict)
    return drawn


def agreement(verdicts: list[Verdict]) -> float:
    """The worst relative error of the backends in float64, outputs and gradients, over all cases."""
    found = (
        cell.relative
        for by_variant in cells(verdicts).values()
        for variant, cell in by_variant.items()
        if variant in ("torch float64", "mlx float64")
    )
    return max(found, default=0.0)
