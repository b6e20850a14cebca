"""The runs of an experiment: trained, continued, or read where they are finished; and a split to choose by."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import train_mps
from lyceum import corpus
from lyceum.runs import files
from lyceum.runs.checkpoint import FILE_NAME
from lyceum.runs.folder import LOSSES

DEVELOPMENT = 10  # one in so many tokens of the training split, its end


def losses(folder: Path, seed: int, systems: Sequence[str], steps: int, **request) -> np.ndarray:
    """The loss of every validation token, (K, T), nats, of the run in a folder after `steps` iterations.

    The run is trained now, continued if it was interrupted or shorter, or only read if it is finished. request:
    backend, persona, data_dir and recipe, as for `train_mps.train`, of which it raises what that raises.
    """
    if not _finished(folder, steps):
        target = {"resume": str(folder)} if (folder / FILE_NAME).exists() else {"out": str(folder)}
        train_mps.train(seed=seed, systems=systems, steps=steps, quiet=True, **target, **request)
    return np.load(folder / LOSSES)


def _finished(folder: Path, steps: int) -> bool:
    try:
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))["iterations"] == steps
    except FileNotFoundError:
        return False


def development_split(out: Path, data_dir: str | None = None) -> str:
    """A folder under `out` with another split of a text: its training part without the last tenth, to compare on.

    What is chosen must not be chosen on the validation split. data_dir: the text, None for tiny Shakespeare. Several
    processes may ask at once.
    """
    folder, ids = out / "development-split", corpus.load(data_dir).train
    if not folder.exists():
        out.mkdir(parents=True, exist_ok=True)
        cut = len(ids) - len(ids) // DEVELOPMENT
        with TemporaryDirectory(dir=out) as temporary:
            complete = Path(temporary, "split")
            complete.mkdir()
            for name, part in (("train.bin", ids[:cut]), ("val.bin", ids[cut:])):
                files.write(complete / name, part.astype("<u2").tobytes())
            try:
                os.replace(complete, folder)
            except OSError:
                if not folder.exists():  # else another process was first, with the same
                    raise
    return str(folder)
