"""Plain groups of MLX as a quantizer, and the command that puts all of them beside each other."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lyceum.rng import stream
from parity.__main__ import main
from parity.project.quantizers import Outcome, groups


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_a_weight_in_a_group_is_within_a_step_of_itself(size, scale):
    x = (scale * stream(0, "test-groups").normal(size=(30, 32))).astype(np.float32)
    decoded, bits = groups(x, size)
    rows = x.reshape(-1, size)
    assert decoded.shape == x.shape and bits == x.size * (4 + 32 / size)
    width = np.ptp(rows, axis=1, keepdims=True)
    # mx.quantize moves the scale so that 0 or an end of the range is hit, which takes up to half a step more.
    assert (np.abs(decoded.reshape(-1, size) - rows) <= width / 15 * 1.01).all()


def test_the_command(monkeypatch, capsys, tmp_path):
    outcome = Outcome("lyceum.personas.euclid.quantize", 3.608, 4.3982, 0.0, 0.0001)
    monkeypatch.setattr("parity.project.quantizers.run", lambda folder: iter([outcome]))
    file = tmp_path / "q.jsonl"
    assert main(["quantizers", "runs/a", "--json", str(file)]) == 0
    assert "lyceum.personas.euclid.quantize" in capsys.readouterr().out
    assert json.loads(file.read_text().splitlines()[1])["bits"] == 3.608


def test_a_folder_without_a_run_is_a_sentence(tmp_path, capsys):
    assert main(["quantizers", str(tmp_path)]) == 2
    assert "there is no run in" in capsys.readouterr().err
