"""A quantized run from end to end: the price is that of the weights that either backend reads from the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import train_mps
from lyceum import personas
from lyceum.personas.aristotle import tokenize
from lyceum.quantization import codes, file_format
from lyceum.quantization.measure import quantize_run
from lyceum.rng import stream
from lyceum.runs.checkpoint import FILE_NAME, CheckpointError, read
from lyceum.runs.reopen import reopen


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Two iterations of aristotle on a short text, with a tree of frequencies, which is made at once."""
    folder = tmp_path_factory.mktemp("quantize")
    for name, length in (("train.bin", 6000), ("val.bin", 400)):
        ids = stream(0, f"test-{name}").zipf(1.3, length) % 50257
        (folder / name).write_bytes(ids.astype("<u2").tobytes())
    aristotle, prepare = personas.PERSONAS["aristotle"], personas.prepare

    def quickly(persona, names, train_ids):
        rates = np.bincount(train_ids, minlength=50257) + 0.1
        groups = np.array_split(np.argsort(-rates, kind="stable"), 1024)
        tree = tokenize.arrange(groups, rates / rates.sum(), (32, 32))
        others = prepare(aristotle, [name for name in names if name != "tokenize"], train_ids)
        return others | {f"tokenize.{name}": table for name, table in tree.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(personas, "prepare", quickly)
        train_mps.train("torch", data_dir=str(folder), out=str(folder / "run"), device="cpu", steps=2, quiet=True)
    return folder / "run"


def test_a_run_takes_at_most_the_budget_and_costs_little(run):
    done = quantize_run(reopen(train_mps.FIXED, run, device="cpu"))
    assert done.path == run / file_format.FILE_NAME and done.file_bytes == done.path.stat().st_size
    assert done.bits_per_weight <= codes.BUDGET
    assert done.cost.after - done.cost.before == pytest.approx(done.cost.difference, abs=1e-6)
    assert abs(done.cost.difference) < 0.02 and done.cost.error > 0
    # Both backends read the same weights from it, near those of the checkpoint.
    (_, state, _), (_, again, _) = (
        file_format.parameters(done.path, codes.computing(backend, "cpu")) for backend in ("torch", "mlx")
    )
    header, arrays = read(run / FILE_NAME)
    assert state.keys() == again.keys() == {name for name in arrays if name.startswith("model.")}
    short, _, tables = file_format.read(done.path)
    assert short["model"]["systems"] == header["model"]["systems"] and len(short["model"]["sha256"]) == 64
    assert {name: short[name] for name in ("persona", "seed", "data", "step")} == {
        name: header[name] for name in ("persona", "seed", "data", "step")
    }
    assert {f"tables.{name}" for name in tables} == {name for name in arrays if name.startswith("tables.")}
    for name, weight in state.items():
        assert np.array_equal(weight, again[name])
        assert np.abs(weight - arrays[name]).max() <= np.abs(arrays[name]).max() / 8


def test_a_damaged_run_is_refused(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="damaged"):
        reopen(train_mps.FIXED, tmp_path)
