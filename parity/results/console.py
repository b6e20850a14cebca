"""How every command of the bridge speaks: to a person through tables, to a program through lines of JSON."""

from __future__ import annotations

import json
import math
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from lyceum.contract import UserError
from lyceum.runs import files

WIDTH = 150  # columns, where the output is not a terminal


def console() -> Console:
    """Where everything is printed."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def rows(title: str, *columns: str) -> Table:
    """An empty table in the common style."""
    return Table(*columns, title=title, title_justify="left", caption_justify="left", box=box.SIMPLE)


def write(path: str | None, records: Iterable[dict]) -> None:
    """Write records as JSON lines, whole or not at all; nothing where `path` is None. Raises UserError."""
    if path is None:
        return
    data = "".join(json.dumps(plain(record), allow_nan=False) + "\n" for record in records).encode()
    put(path, data, "--json")


def save(options: Namespace, records: list[dict]) -> None:
    """Write the records where `--json` and `--junit` say. Raises UserError."""
    write(options.json, records)
    if path := getattr(options, "junit", None):
        from parity.results.junit import document

        put(path, document(map(plain, records)), "--junit")


def put(path: str, data: bytes, option: str) -> None:
    """Write a file whole or not at all. Raises UserError."""
    try:
        files.write(Path(path), data)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}): choose another {option} file.") from error


def plain(value: object) -> object:
    """The same value with floats that JSON does not know (inf, nan) as strings."""
    if isinstance(value, dict):
        return {key: plain(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [plain(x) for x in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
