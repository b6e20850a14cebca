"""One file from which either backend continues the run exactly: `checkpoint.safetensors`.

    arrays   model.<parameter>, optimizer.<...>   what the trainer's read() gives, bit for bit
             tables.<name>                        what the plan has built from the training split
    header   one JSON object: which run it is (format, contract, persona, seed, data, model: every number of the plan),
             how far it is (lyceum.training.progress) and what wrote it

Names and layouts are the same in both backends, so neither is mentioned by the arrays. The file is replaced in one step
(lyceum.runs.files): a full disk or a killed process leaves the previous checkpoint as it was.

Source: the safetensors format (an 8-byte length, a JSON table of contents, raw little-endian data).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from lyceum.contract import Fixed, UserError
from lyceum.runs import files

FILE_NAME = "checkpoint.safetensors"
FORMAT = 2
ENTRY = "lyceum"
LONG = 80  # characters of a value in a sentence


class CheckpointError(UserError):
    """A checkpoint cannot be written, read, or continued by this run."""


def identity(fixed: Fixed, plan, seed: int, corpus) -> dict[str, object]:
    """What must be equal for one run to continue another, as JSON-able values."""
    return {
        "format": FORMAT,
        "contract": asdict(fixed),
        "persona": plan.name,
        "seed": seed,
        "data": {split: digest(getattr(corpus, split)) for split in ("train", "val")},
        "model": json.loads(json.dumps(plan.describe())),
    }


def digest(ids: np.ndarray) -> str:
    """SHA-256 (hex) of token ids (N,) as a .bin file has them: little-endian uint16."""
    return hashlib.sha256(ids.astype("<u2").tobytes()).hexdigest()


def write(path: Path, header: dict[str, object], arrays: dict[str, np.ndarray]) -> None:
    """Replace the checkpoint at `path`. Raises CheckpointError if that cannot be done; then the old one is intact."""
    # safetensors writes the memory of an array as it lies, so a transposed view would come back scrambled.
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    try:
        files.write(path, safetensors.numpy.save(contiguous, metadata={ENTRY: json.dumps(header)}))
    except OSError as error:
        raise CheckpointError(
            f"cannot write the checkpoint {path} ({error.strerror or error}): free some space."
        ) from error


def read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """(header, arrays) of the checkpoint at `path`. Raises CheckpointError if there is none or it is damaged."""
    with _opened(path) as (file, header):
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - a file, not a dict
    return header, arrays


def read_header(path: Path) -> dict:
    """The header alone, quickly. Raises CheckpointError as `read` does; damage behind the header is not noticed."""
    with _opened(path) as (_, header):
        return header


@contextmanager
def _opened(path: Path) -> Iterator[tuple[safetensors.safe_open, dict]]:
    """(the open file, its header). Errors inside the context become CheckpointError too."""
    try:
        with safetensors.safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {})[ENTRY])
            _check_format(path, header.get("format"))
            yield file, header
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}: start the run anew, in another folder.") from error
    except KeyError as error:
        raise CheckpointError(f"{path} was not written by this program: give the folder of one of its runs.") from error
    except CheckpointError:
        raise
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} is damaged ({error}): start the run anew, in another folder.") from error


def _check_format(path: Path, number: object) -> None:
    if number != FORMAT:
        age = "an older" if isinstance(number, int) and number < FORMAT else "another"
        raise CheckpointError(
            f"{path} was written by {age} version of this program (checkpoint format {number}, this one reads "
            f"format {FORMAT}): use that version, or start the run anew, in another folder."
        )


def match(path: Path, header: dict, wanted: dict[str, object]) -> None:
    """Raises CheckpointError, naming the first difference, unless `header` is of the run that `wanted` identifies."""
    for name, value in wanted.items():
        first = difference(name, header.get(name), value)
        if first is not None:
            raise CheckpointError(f"{path} is of another run: {first}; resume it with what it was started with.")


def difference(name: str, there: object, here: object) -> str | None:
    """The first entry in which two JSON-able values called `name` differ, in words; None if they are equal."""
    if isinstance(there, dict) and isinstance(here, dict):
        entries = [(f"{name}.{key}", there.get(key), here.get(key)) for key in {**there, **here}]
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        entries = [(f"{name}[{i}]", one, other) for i, (one, other) in enumerate(zip(there, here, strict=True))]
    else:
        return None if there == here else f"its {name} is {_cut(there)}, not {_cut(here)}"
    return next((first for entry in entries if (first := difference(*entry)) is not None), None)


def _cut(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONG else f"{text[:LONG]}..."
