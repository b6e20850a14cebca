"""`--quantize` from end to end: a run's folder in, a small file and its price out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import train_mps
from lyceum import personas
from lyceum.personas.aristotle import tokenize
from lyceum.quantization import quantized
from lyceum.rng import stream
from lyceum.runs.checkpoint import FILE_NAME, read


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> str:
    """Two iterations of aristotle on a small text, with a tree of frequencies, which is made at once."""
    place = tmp_path_factory.mktemp("quantize")
    for name, length in (("train.bin", 6000), ("val.bin", 400)):
        ids = stream(0, f"test-{name}").zipf(1.3, length) % 50257
        (place / name).write_bytes(ids.astype("<u2").tobytes())
    aristotle, prepare = personas.PERSONAS["aristotle"], personas.prepare

    def quickly(persona, names, train_ids):
        rates = np.bincount(train_ids, minlength=50257) + 0.1
        groups = np.array_split(np.argsort(-rates, kind="stable"), 1024)
        tree = tokenize.arrange(groups, rates / rates.sum(), (32, 32))
        others = prepare(aristotle, [name for name in names if name != "tokenize"], train_ids)
        return others | {f"tokenize.{name}": table for name, table in tree.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(personas, "prepare", quickly)
        train_mps.train("torch", data_dir=str(place), out=str(place / "run"), device="cpu", steps=2, quiet=True)
    return str(place / "run")


def test_the_command(run, capsys):
    assert train_mps.main(["--quantize", run, "--device", "cpu"]) == 0
    page = capsys.readouterr().out
    assert float(re.search(r"bits per weight +([\d.]+) of", page)[1]) <= 4.5
    before, after, difference = map(float, re.search(r"full_vloss +(\S+) before, (\S+) after: (\S+)", page).groups())
    assert after - before == pytest.approx(difference, abs=2e-4)
    assert abs(difference) < 0.02
    # Both backends read the same weights from it, near those of the checkpoint.
    path = Path(run, quantized.FILE_NAME)
    (_, state, _), (_, again, _) = (quantized.parameters(path, quantized.computing(b, "cpu")) for b in ("torch", "mlx"))
    _, arrays = read(Path(run, FILE_NAME))
    assert state.keys() == again.keys() == {name for name in arrays if name.startswith("model.")}
    for name, weight in state.items():
        assert np.array_equal(weight, again[name])
        assert np.abs(weight - arrays[name]).max() <= np.abs(arrays[name]).max() / 8
