"""Files that are complete or absent, whatever happens while they are written.

    write a temporary file in the same folder -> fsync it -> rename it over the old one -> fsync the folder

By POSIX a rename replaces the target in one step, so a reader, a crash or a `kill -9` sees the old file or
the new one. The first fsync keeps the file system from committing the new name before the new bytes; the second makes
the name itself survive a power cut. The temporary name is fixed: what a killed process left behind is overwritten by
the next write instead of piling up.

Source: rename(2) and fsync(2); Pillai et al., "All file systems are not created equal", OSDI 2014.
"""

from __future__ import annotations

import os
from pathlib import Path

from lyceum.contract import UserError


def temporary(path: Path) -> Path:
    """Where the bytes of `path` are gathered before they take its name."""
    return path.with_name(f".{path.name}.tmp")


def write(path: Path, data: bytes) -> None:
    """Make `data` the content of `path`.

    Raises OSError (no space, no permission, ...); then `path` is as it was and the temporary file is gone.
    """
    gathering = temporary(path)
    try:
        with open(gathering, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(gathering, path)
    except BaseException:
        gathering.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_output(path: Path, data: bytes) -> None:
    """The same for a file that a user asked for. Raises UserError, one sentence, if it cannot be written."""
    try:
        write(path, data)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error}): choose another --out.") from error


def _sync_folder(folder: Path) -> None:
    # Windows cannot open a folder, and needs no fsync of it.
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
