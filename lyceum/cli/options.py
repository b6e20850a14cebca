"""What several subcommands have in common: arguments, options, and how they print."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from typer import Argument, Option

Run = Annotated[Path, Argument(metavar="RUN", help="The folder of a run, such as runs/a.", show_default=False)]
Backend = Annotated[Literal["mlx", "torch"] | None, Option(help="The framework (default: that of the run).")]
Device = Annotated[
    str | None, Option(metavar="NAME", help="mps, metal, cuda or cpu (default: as in the run, else the best there is).")
]
DataDir = Annotated[
    Path | None, Option(metavar="DIR", help="Where the run's text is now (default: where it was).", show_default=False)
]
Save = Annotated[
    bool, Option("--save", help="Write the figure into lyceum/personas/effects.json, which lyceum systems shows.")
]
WIDE = 160  # columns, where no terminal says how many there are
LEAST = 30  # columns of a cell that wraps: narrower, a sentence becomes a list of words
GAP = 3  # columns between two cells


def console() -> Console:
    """Standard output; wide where it goes into a file or a pipe, so that no table is cut to 80 columns."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(highlight=False, markup=False, width=width)


def show(
    out: Console,
    columns: tuple[str, ...],
    rows: Iterable[tuple[str, ...]],
    numbers: tuple[str, ...] = (),
    wrapped: tuple[str, ...] = (),
    lines: bool = False,
) -> None:
    """Print rows as a table; where the terminal is too narrow for it, one row after the other, a line a cell.

    numbers: the columns that are aligned to the right. wrapped: those that may take several lines, of at least LEAST
    columns. lines: whether rows are ruled off.
    """
    rows, needed = list(rows), 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_lines=lines)
    for i, column in enumerate(columns):
        wraps = column in wrapped
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=not wraps)
        widest = max(cell_len(line) for cell in (column, *(row[i] for row in rows)) for line in cell.split("\n"))
        needed += (min(widest, LEAST) if wraps else widest) + GAP
    if needed <= out.width:
        for row in rows:
            table.add_row(*row)
        out.print(table)
        return
    for row in rows:
        record = Table.grid(padding=(0, 2))
        for column, cell in zip(columns, row, strict=True):
            if cell:
                record.add_row(column.strip(), cell)
        out.print(record)
        out.print()


def number(value: float | None, form: str = ".4f") -> str:
    """A figure as a cell of a table; empty if there is none."""
    return "" if value is None else format(value, form)
