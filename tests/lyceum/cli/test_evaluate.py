"""`lyceum evaluate`: the stored loss again, exactly in the backend that wrote it, nearly in the other."""

from __future__ import annotations

import re
import shutil

import pytest

from lyceum.cli import main


@pytest.mark.parametrize("backend", ["torch", "mlx"])
def test_the_loss_again(run, capsys, backend):
    assert main(["evaluate", str(run), "--device", "cpu", "--backend", backend]) == 0
    page = capsys.readouterr().out
    again, stored = re.findall(r"(?:full_vloss|stored) +([\d.]+) ± [\d.]+", page)
    assert f"{backend} on cpu, at iteration 2" in page and float(again) == pytest.approx(float(stored), abs=2e-6)
    if backend == "torch":
        assert page.splitlines()[-1] == "difference  0, bit for bit"
    else:
        difference = re.search(r"difference  (\S+)", page)[1]
        assert abs(float(difference.rstrip(","))) < 1e-5


def test_another_result_is_shown(runs, capsys):
    result = (runs / "one" / "result.json").read_text()
    (runs / "one" / "result.json").write_text(re.sub(r'("full_vloss": )\S+,', r"\g<1>9.0,", result))
    assert main(["evaluate", str(runs / "one"), "--device", "cpu"]) == 0
    page = capsys.readouterr().out
    assert re.search(r"difference  \+1\.\de\+00", page) and "It would be 0 on the machine" in page


def test_an_unfinished_run_has_no_result_to_compare_with(runs, capsys):
    assert main(["evaluate", str(runs / "stopped"), "--device", "cpu"]) == 0
    assert "stored      none: this run is unfinished, at iteration 2 of 10,001." in capsys.readouterr().out


def test_another_text_is_refused(run, runs, capsys, tmp_path):
    text = tmp_path / "text"
    shutil.copytree(run.parent / "text", text)
    arguments = ["evaluate", str(runs / "one"), "--device", "cpu", "--data-dir", str(text)]
    assert main(arguments) == 0
    (text / "val.bin").write_bytes((text / "val.bin").read_bytes()[2:])
    assert main(arguments) == 1
    assert "its data.val is " in capsys.readouterr().err


def test_an_older_checkpoint_is_one_sentence(runs, capsys):
    assert main(["evaluate", str(runs / "older")]) == 1
    errors = capsys.readouterr().err
    assert "was written by an older version of this program" in errors and errors.count("\n") == 1
