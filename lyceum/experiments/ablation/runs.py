"""The runs of an ablation: trained, continued, or read where they are finished; and a split to choose by."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import train_mps
from lyceum import corpus
from lyceum.experiments.ablation.compositions import Composition
from lyceum.runs import files
from lyceum.runs.checkpoint import FILE_NAME
from lyceum.runs.folder import LOSSES

DEVELOPMENT = 10  # one in so many tokens of the training split, its end


def losses(composition: Composition, out: Path, seed: int, **request) -> np.ndarray:
    """The loss of every validation token, (K, T), nats, of a composition's run under `out`.

    The run is trained now, continued if it was interrupted, or only read if it is finished. request: backend, persona,
    steps and data_dir, as for `train_mps.train`.
    """
    folder = composition.folder(out, seed)
    if not _finished(folder, request["steps"]):
        target = {"resume": str(folder)} if (folder / FILE_NAME).exists() else {"out": str(folder)}
        train_mps.train(seed=seed, systems=composition.systems, quiet=True, **target, **request)
    return np.load(folder / LOSSES)


def _finished(folder: Path, steps: int) -> bool:
    try:
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))["iterations"] == steps
    except FileNotFoundError:
        return False


def development_split(out: Path) -> str:
    """A folder under `out` with another split: its training text is ours without the last tenth, which is compared on.

    What is chosen must not be chosen on the validation split.
    """
    folder, ids = out / "development-split", corpus.load().train
    folder.mkdir(parents=True, exist_ok=True)
    cut = len(ids) - len(ids) // DEVELOPMENT
    for name, part in (("train.bin", ids[:cut]), ("val.bin", ids[cut:])):
        files.write(folder / name, part.astype("<u2").tobytes())
    return str(folder)
