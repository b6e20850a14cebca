"""`python -m parity`: exit statuses, sentences, tables and records."""

from __future__ import annotations

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from parity.__main__ import main
from parity.cli.options import COMMANDS, arguments
from parity.mutation import rewrites
from parity.mutation.planted_faults import Outcome
from parity.mutation.planting import Fault
from parity.mutation.rewrite_records import Rewrite
from parity.project import checks
from parity.results.records import Timing
from parity.results.table import agreement, cells
from parity.results.verdict import compare

ROOT = Path(__file__).resolve().parents[3]


def verdict(error: float, what: str = "output", variant: str = "mlx float64", scale: float = 1.0):
    return compare("layer: case", variant, what, np.array([scale + error]), np.array([scale]), 1e-3, "by decree")


@pytest.fixture
def planned(monkeypatch):
    """Replace every check by one that yields the given verdicts."""

    def plan(*verdicts):
        monkeypatch.setattr(checks, "cases", lambda: {"layer: case": lambda seed, variants=(): iter(verdicts)})
        monkeypatch.setattr(checks, "proofs", dict)

    return plan


def test_all_pass(planned, capsys):
    planned(verdict(1e-4), verdict(0, variant="torch float64"))
    assert main([]) == 0
    out = capsys.readouterr().out
    assert "layer: case" in out and "1e-04 0.10" in out and "exact" in out and "passed" in out
    assert "2 of 2 verdicts passed" in out and "torch 2." in out and "mlx 0." in out
    assert "worst relative error 1.0e-04 (allowed: 1e-10)" in out
    assert "fft.*" in out, "the limitations are shown"


def test_some_fail(planned, capsys):
    """One sentence for each cause: what is wrong in MLX, and what is wrong in PyTorch."""
    other = verdict(np.nan, what="bias", variant="torch float64")
    planned(verdict(1e-4), verdict(2e-3, what="weight"), verdict(3e-3, what="bias"), other)
    assert main(["check", "case"]) == 1
    out = capsys.readouterr().out
    assert "3 failed" in out and "1 of 4 verdicts passed" in out
    sentence = "layer: case, mlx float64, weight: at (0,) expected 1, got 1.002; error 0.002, allowed 0.001 (by decree)"
    assert f"{sentence}; and 1 more\n" in out and "mlx float64, bias" not in out
    assert "layer: case, torch float64, bias: at (0,) expected 1, got nan" in out


def test_records(planned, tmp_path, capsys):
    planned(verdict(1e-4), verdict(np.inf, what="weight"))
    file = tmp_path / "records.jsonl"
    assert main(["check", "--json", str(file)]) == 1
    environment, passed, failed = [json.loads(line) for line in file.read_text().splitlines()]
    assert environment["record"] == "environment" and environment["versions"]["mlx"] and environment["torch_threads"]
    assert (passed["record"], passed["ok"], passed["what"]) == ("verdict", True, "output")
    assert passed["derivation"] == "by decree"
    assert (failed["ok"], failed["error"], failed["where"]) == (False, "inf", [0])


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["attenton"], "nothing to check is called 'attenton': choose a part of a name, such as attention, "),
        (["check", "--seeds", "0"], "'0' is not a count of at least 1"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["bench", "--rounds", "x"], "'x' is not a count of at least 1"),
        (["check", "--json", "no/folder/file"], "cannot write no/folder/file: there is no folder no/folder"),
        (["check", "--junit", "."], ". is a folder: give the name of a file"),
    ],
)
def test_mistakes(argv, words, capsys):
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_records_that_a_full_disk_does_not_take(planned, tmp_path, monkeypatch, capsys):
    def full(path, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    planned(verdict(0))
    monkeypatch.setattr("lyceum.runs.files.write", full)
    assert main(["check", "--json", str(tmp_path / "check.jsonl")]) == 1
    assert "check.jsonl (No space left on device)" in capsys.readouterr().err


def test_check_is_the_default():
    for argv in ([], ["norm"], ["--json", "x"]):
        assert arguments(argv, "").command == "check"
    assert arguments(["norm", "mlp"], "").patterns == ["norm", "mlp"]
    assert arguments(["theorems"], "").seeds == 20


def test_every_command_is_explained(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    for name, command in COMMANDS.items():
        assert command.name == name and command.question in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_that_can_be_parsed(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    out = capsys.readouterr().out
    for example in COMMANDS[name].examples:
        assert f"  python -m parity {example}\n" in out
        assert arguments(shlex.split(example), "").command == name
    assert "for example:" in out


def test_the_scale_belongs_to_the_case():
    """A gradient that is exactly zero has no scale, and its rounding errors count against the case's."""
    verdicts = [verdict(0, scale=4.0), verdict(1e-9, what="weight", scale=0.0)]
    assert cells(verdicts)["layer: case"]["mlx float64"].relative == agreement(verdicts) == 1e-9 / 4


def test_float32_does_not_count_for_the_agreement():
    assert agreement([verdict(1e-4, variant="mlx float32"), verdict(0)]) == 0


@pytest.fixture
def planted(monkeypatch):
    """Replace the planted faults and rewrites by one each, with these outcomes."""

    def plan(missed: tuple[int, ...], flagged: bool):
        fault, failed = Fault("eps", "took the other one", "norm", "norm"), verdict(1.0)
        rewrite = Rewrite("halves", "a sum of halves", "norm", "norm")
        monkeypatch.setattr("parity.mutation.planted_faults.healthy", lambda seeds, words: iter(()))
        planted = Outcome(fault, "mlx", None if missed else failed, missed)
        monkeypatch.setattr("parity.mutation.planted_faults.run", lambda seeds, words, jobs: iter([planted]))
        rewritten = rewrites.Outcome(rewrite, "torch", failed if flagged else None)
        monkeypatch.setattr("parity.mutation.rewrites.run", lambda seeds: iter([rewritten]))

    return plan


def test_mutants(planted, capsys):
    planted((), False)
    assert main(["mutants", "--seeds", "5"]) == 0
    out = capsys.readouterr().out
    assert "1 of 1 planted faults caught on each of 5 seeds" in out and "took the other one" in out
    assert "0 of 1 harmless rewrites flagged" in out and "a sum of halves" in out


def test_a_surviving_fault_fails(planted, capsys):
    planted((3,), False)
    assert main(["mutants"]) == 1
    out = capsys.readouterr().out
    assert "0 of 1 planted faults caught on one seed" in out and "nothing" in out


def test_a_flagged_rewrite_fails(planted, capsys):
    planted((), True)
    assert main(["mutants"]) == 1
    assert "1 of 1 harmless rewrites flagged" in capsys.readouterr().out


@pytest.mark.parametrize(("ratio", "status", "word"), [(0.10, 0, "within"), (0.20, 1, "over")])
def test_bench(monkeypatch, capsys, tmp_path, ratio, status, word):
    timing = Timing("aristotle-torch", "cpu", 0.025, ratio, ratio - 0.01, ratio + 0.01, budget=0.15)
    monkeypatch.setattr("parity.bench.iterations.run", lambda pairs, rounds, steps: [timing])
    file = tmp_path / "bench.jsonl"
    assert main(["bench", "--rounds", "2", "--json", str(file)]) == status
    out = capsys.readouterr().out
    assert word in out and "25.0" in out and f"{ratio:.3f}" in out
    assert json.loads(file.read_text().splitlines()[1])["ratio"] == ratio


def test_threads_are_set_before_the_frameworks_load():
    """In another process, since the libraries read the variable once."""
    code = (
        "import sys, parity.__main__ as m\n"
        "from dataclasses import replace\n"
        "assert not {'torch', 'mlx.core'} & set(sys.modules)\n"
        "def bench(options):\n    import torch; print(torch.get_num_threads()); return 0\n"
        "m.COMMANDS['bench'] = replace(m.COMMANDS['bench'], run=bench)\n"
        "sys.exit(m.main(['bench', '--threads', '1']))"
    )
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=free, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


def test_localize(capsys, tmp_path):
    file = tmp_path / "calls.jsonl"
    assert main(["localize", "mlx:baseline", "torch:baseline", "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert "They never diverge" in out and "blocks.1.mixer" in out
    record_types = {json.loads(line)["record"] for line in file.read_text().splitlines()}
    assert record_types == {"environment", "call", "first_divergence"}


PAIR = """
import mlx.nn, torch

class Mlx(mlx.nn.Module):
    def __init__(self):
        super().__init__()
        self.wq = mlx.nn.Linear(4, 4)

    def __call__(self, x):
        return self.wq(x)

class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj = torch.nn.Linear(4, 4)

    def forward(self, x):
        return self.q_proj(x)

"""


def test_names_are_proposed_and_localize_takes_them_and_a_precision(capsys, tmp_path):
    file = tmp_path / "pair.py"
    file.write_text(PAIR)
    assert main(["names", f"{file}:Torch", f"{file}:Mlx"]) == 0
    out = capsys.readouterr().out
    assert '("wq.weight", "q_proj.weight"),  # path and shape' in out
    file.write_text(PAIR + out)
    argv = ["localize", f"{file}:Mlx", f"{file}:Torch", "--input", "2,4", "--names", f"{file}:names"]
    assert main([*argv, "--dtype", "bfloat16", "--json", str(tmp_path / "calls.jsonl")]) == 0
    records = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    variants = {v["variant"] for record in records for v in record.get("verdicts", {}).values()}
    assert variants <= {"torch bfloat16", "mlx bfloat16"} and variants


def test_check_takes_precisions_and_compiled_variants(capsys, tmp_path):
    junit = tmp_path / "check.xml"
    argv = ["check", "mlp: zero", "--dtype", "float32", "--dtype", "bfloat16", "--compiled", "mlx", "--costs"]
    assert main([*argv, "--junit", str(junit)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "peak KiB" in out and "mlp: zero" in out
    names = {case.get("name") for case in ElementTree.parse(junit).iter("testcase")}
    assert any("mlx bfloat16 compiled" in name for name in names) and not any("mlx float64" in name for name in names)


def test_report_of_records(planned, tmp_path, capsys):
    planned(verdict(1e-4), verdict(np.inf, what="weight"))
    main(["check", "--json", str(tmp_path / "check.jsonl")])
    page = tmp_path / "page.html"
    assert main(["report", str(tmp_path / "check.jsonl"), "--out", str(page)]) == 1
    assert "1 of 2 verdicts failed: layer" in page.read_text()
    assert "1 of 2 verdicts failed: layer." in capsys.readouterr().out
    assert main(["report", str(tmp_path / "none.jsonl"), "--out", str(page)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
