"""Writing a new system into a checkout: all of its files and its registration, or nothing."""

from __future__ import annotations

import ast
import os
from pathlib import Path

from lyceum.contract import UserError
from lyceum.runs import files
from parity.scaffold.system import NewSystem

NEEDED = ("pyproject.toml", "CONTRIBUTING.md", "tests/lyceum/personas", "parity/mutation/faults")  # not in a wheel


def create(root: Path, system: NewSystem) -> list[Path]:
    """Write a system's files below `root` and register it; the paths, the persona's module last.

    Raises UserError, one sentence, for a system that cannot be made, and for a folder that is no checkout or cannot be
    written; then nothing has changed.
    """
    system.check()
    if missing := [name for name in NEEDED if not (root / name).exists()]:
        raise UserError(f"{root} is no checkout of the project ({missing[0]} is missing): run this in a git clone.")
    texts = system.files()
    for path in texts:
        if taken := [other for other in (root / path, (root / path).with_suffix("")) if other.exists()]:
            raise UserError(f"{taken[0]} exists already: choose another name.")
    persona = root / "lyceum/personas" / system.persona / "__init__.py"
    original = persona.read_bytes()
    registered = register(original.decode(), system.name)
    written: list[Path] = []
    try:
        for path, text in texts.items():
            written.append(root / path)
            files.write(root / path, text.encode())
        files.write(persona, registered.encode())
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        if persona.read_bytes() != original:
            persona.write_bytes(original)
        if isinstance(error, OSError):
            reason = os.strerror(error.errno) if error.errno else error
            raise UserError(f"cannot write {error.filename or persona}: {reason}; nothing was changed.") from error
        raise
    return [*written, persona]


def register(source: str, name: str) -> str:
    """A persona's module with one line more: the name, last in its call of `systems_of`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "systems_of":
            last = node.args[-1]
            lines = source.splitlines(keepends=True)
            lines.insert(last.end_lineno, f'{" " * last.col_offset}"{name}",\n')
            return "".join(lines)
    raise UserError("the persona's module does not call systems_of, so the system cannot be registered.")
