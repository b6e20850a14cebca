"""Records to files: JSON lines for `--json`, JUnit XML for `--junit`. A file is written completely or not at all."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from lyceum.contract import UserError
from lyceum.runs import files
from parity.results.environment import environment
from parity.results.junit import document


def save(options: Namespace, records: Iterable[dict]) -> None:
    """Write the environment and the records where `--json` and `--junit` say. Raises UserError.

    options: with `json`, and `junit` where the command has that option; each a path or None.
    """
    lines = [{"record": "environment"} | environment(), *records]
    write_json(options.json, lines)
    if path := getattr(options, "junit", None):
        write(path, document(map(json_safe, lines)), "--junit")


def write_json(path: str | None, records: Iterable[dict]) -> None:
    """Write records as JSON lines; nothing where `path` is None. Raises UserError."""
    if path is None:
        return
    lines = (json.dumps(json_safe(record), allow_nan=False) + "\n" for record in records)
    write(path, "".join(lines).encode(), "--json")


def write(path: str, data: bytes, option: str) -> None:
    """Write a file. option: the one that gave the path, for the message. Raises UserError."""
    try:
        files.write(Path(path), data)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}): choose another {option} file.") from error


def json_safe(value: object) -> object:
    """The same value, with floats that JSON does not know (inf, nan) as strings."""
    if isinstance(value, dict):
        return {key: json_safe(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(x) for x in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
