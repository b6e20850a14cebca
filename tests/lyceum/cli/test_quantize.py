"""`lyceum quantize`: what is printed, and what is refused."""

from __future__ import annotations

import re

import pytest

from lyceum.cli import main


def test_the_command_says_what_it_costs(euclid, capsys):
    assert main(["quantize", str(euclid), "--device", "cpu"]) == 0
    page = capsys.readouterr().out
    assert f"Wrote {euclid / 'quantized.safetensors'}" in page and "Note:" not in page
    assert float(re.search(r"bits per weight +([\d.]+) of", page)[1]) <= 4.5
    before, after, difference = map(float, re.search(r"full_vloss +(\S+) before, (\S+) after: (\S+)", page).groups())
    assert after - before == pytest.approx(difference, abs=2e-4)


def test_a_run_without_a_quantizer_is_one_sentence(run, runs, capsys):
    for folder in (run, runs / "stopped"):
        assert main(["quantize", str(folder), "--device", "cpu"]) == 2
        errors = capsys.readouterr().err
        assert "the persona 'baseline' has no quantizer" in errors and errors.count("\n") == 1
        assert not (folder / "quantized.safetensors").exists()


@pytest.mark.parametrize(("flags", "words"), [(["--steps", "3"], "--steps"), (["--seed", "3"], "--seed")])
def test_a_run_is_taken_as_it_is(run, capsys, flags, words):
    assert main(["quantize", str(run), *flags]) == 2
    assert words in capsys.readouterr().err
