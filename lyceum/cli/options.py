"""What several subcommands have in common: arguments, options, and how they print."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from rich import box
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
WIDE = 160  # columns, where no terminal says how many there are


def console() -> Console:
    """Standard output; wide where it goes into a file or a pipe, so that no table is cut to 80 columns."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(highlight=False, markup=False, width=width)


def table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """An empty table. numbers: the columns that are aligned to the right and never wrapped."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in numbers
        drawn.add_column(column, justify="right" if right else "left", no_wrap=right, overflow="fold")
    return drawn


def number(value: float | None, form: str = ".4f") -> str:
    """A figure as a cell of a table; empty if there is none."""
    return "" if value is None else format(value, form)
