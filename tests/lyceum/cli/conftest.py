"""Runs of a moment, shared by all tests of the subcommands, which leave them as they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import train_mps
from lyceum.rng import stream
from lyceum.runs import checkpoint
from lyceum.runs.folder import LOSSES


def train(folder: Path, persona: str, **arguments) -> Path:
    """The folder of a run of two iterations on a short text."""
    text = folder / "text"
    text.mkdir()
    for name, length in (("train.bin", 800), ("val.bin", 200)):
        ids = stream(0, f"test-{name}").zipf(1.3, length) % 50257
        (text / name).write_bytes(ids.astype("<u2").tobytes())
    out = folder / "run"
    train_mps.train("torch", persona, data_dir=str(text), out=str(out), device="cpu", steps=2, quiet=True, **arguments)
    return out


@pytest.fixture(scope="session")
def aristotle(tmp_path_factory) -> Path:
    """Aristotle's default: tree, rotary positions and memory."""
    return train(tmp_path_factory.mktemp("aristotle"), "aristotle")


@pytest.fixture(scope="session")
def euclid(tmp_path_factory) -> Path:
    """Euclid's vocabulary and positions."""
    return train(tmp_path_factory.mktemp("euclid"), "euclid", systems=("tokenize", "rope"))


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    """The baseline."""
    return train(tmp_path_factory.mktemp("baseline"), "baseline")


@pytest.fixture
def runs(run, tmp_path) -> Path:
    """A folder of runs: one, another that is 0.1 nats worse, one stopped, one of an older version, one damaged."""
    folder = tmp_path / "runs"
    for name in ("one", "other", "stopped", "older", "damaged"):
        shutil.copytree(run, folder / name)
    np.save(folder / "other" / LOSSES, np.load(run / LOSSES) + np.float32(0.1))
    (folder / "stopped" / "result.json").unlink()
    path = folder / "stopped" / checkpoint.FILE_NAME
    header, arrays = checkpoint.read(path)
    checkpoint.write(path, header | {"request": header["request"] | {"steps": None}}, arrays)
    for name in ("config.json", checkpoint.FILE_NAME):
        age(folder / "older" / name)
    (folder / "damaged" / "config.json").write_text('{"format": 2, "pers')
    return folder


def age(path: Path) -> None:
    """Make a file one of the version before this one."""
    if path.suffix == ".json":
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format": checkpoint.FORMAT - 1}))
    else:
        header, arrays = checkpoint.read(path)
        checkpoint.write(path, header | {"format": checkpoint.FORMAT - 1}, arrays)
