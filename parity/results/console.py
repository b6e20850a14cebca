"""The terminal: where every command prints, and the common style of its tables."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table

WIDTH = 150  # columns, where the output is not a terminal


def console() -> Console:
    """The console to print on."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def empty_table(title: str, *columns: str) -> Table:
    """A table without rows, in the common style."""
    return Table(*columns, title=title, title_justify="left", caption_justify="left", box=box.SIMPLE)
