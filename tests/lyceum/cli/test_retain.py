"""`lyceum retain`: two runs and a table, gone on with after any interruption; a mistake is one sentence."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

import train_mps
from lyceum import personas
from lyceum.cli import main
from lyceum.experiments.retain import begin as starting
from lyceum.experiments.retain import scores as first_text
from lyceum.personas.spec import system
from lyceum.rng import stream
from lyceum.runs import checkpoint
from lyceum.runs.summary import summarize
from lyceum.training import loop
from lyceum.training.signals import Interrupted
from tests.lyceum.cli.conftest import train
from tests.support.assertions import same_state

ROOT = os.path.dirname(train_mps.__file__)
SYSTEMS = ("tokenize", "memory")
TITLE = system.title(personas.find("aristotle"), (*SYSTEMS, "retain"))
PROGRAM = "from lyceum.experiments.retain import scores; scores.scores.__defaults__ = (2,); "
PROGRAM += "import sys; from lyceum.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run of Aristotle's tree and memory on a short text."""
    return train(tmp_path_factory.mktemp("aristotle"), "aristotle", systems=SYSTEMS)


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """Another short text."""
    folder = tmp_path_factory.mktemp("second")
    for name, length in (("train.bin", 900), ("val.bin", 300)):
        ids = stream(1, f"test-{name}").zipf(1.2, length) % 50257
        (folder / name).write_bytes(ids.astype("<u2").tobytes())
    return folder


@pytest.fixture(autouse=True)
def few_batches(monkeypatch):
    monkeypatch.setattr(first_text.scores, "__defaults__", (2,))


def command(first, second, out, *more: str) -> list[str]:
    return ["retain", str(first), "--text", str(second), "--out", str(out), "--steps", "3", "--device", "cpu", *more]


@pytest.fixture(scope="module")
def done(first, second, tmp_path_factory):
    """Both runs, finished."""
    out = tmp_path_factory.mktemp("done") / "second"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_text.scores, "__defaults__", (2,))
        assert main(command(first, second, out)) == 0
    return out


def test_it_ends_in_tables(first, second, done, capsys):
    """The same command once more trains nothing, and shows the same."""
    before = {path: path.stat().st_mtime_ns for path in done.glob("*/*")}
    assert main(command(first, second, done)) == 0
    page = capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in done.glob("*/*")} == before
    tables = json.loads((done / "retain.json").read_text())["tables"]
    assert list(tables) == ["the weights alone", "with the memory"] and all(name in page for name in tables)
    for name in ("plain", "retain"):
        result = summarize(done / name)
        assert result.state == "finished" and result.title == TITLE
        used = {row["name"]: row for row in tables["with the memory"]}
        assert used[name]["second"] == [result.full_vloss, result.full_vloss_se]
    for table in tables.values():
        rows = {row["name"]: row for row in table}
        assert list(rows) == ["before", "plain", "retain", "retain less plain"]
        for text in ("first", "second"):
            for name, than in (("plain", "before"), ("retain", "before")):
                change = rows[name][text][0] - rows[than][text][0]
                assert rows[name][f"{text}_change"][0] == pytest.approx(change, abs=1e-6)
                assert f"{rows[name][text][0]:.4f}" in page
            change = rows["retain"][text][0] - rows["plain"][text][0]
            assert rows["retain less plain"][f"{text}_change"][0] == pytest.approx(change, abs=1e-6)


def test_both_runs_differ_in_the_restraint_alone(first, second, done):
    header, arrays = zip(
        *(checkpoint.read(done / arm / checkpoint.FILE_NAME) for arm in ("retain", "plain")), strict=True
    )
    before = checkpoint.read(first / checkpoint.FILE_NAME)[1]
    more = {name for name in arrays[0] if name not in arrays[1]}
    assert more and all(name.startswith(("tables.retain.weights.", "tables.retain.fisher.")) for name in more)
    for name in more & {f"tables.retain.weights.{name[6:]}" for name in before}:
        assert (arrays[0][name] == before[name.replace("tables.retain.weights", "model")]).all()
    assert arrays[0]["tables.retain.strength"] == np.float32(800 / 900) and arrays[1]["tables.retain.strength"] == 0
    assert (arrays[0]["tables.retain.first"] == arrays[1]["tables.retain.first"]).all()
    assert header[0]["data"] == header[1]["data"] and header[0]["step"] == header[1]["step"] == 3
    text = np.concatenate([np.fromfile(folder / "train.bin", "<u2") for folder in (first.parent / "text", second)])
    assert all((x["tables.memory.text"] == text).all() for x in arrays)


def test_a_continued_run_is_a_run(done, capsys):
    """Read by what reads runs, in the other backend too."""
    run = str(done / "retain")
    assert main(["evaluate", run, "--device", "cpu"]) == 0 and "difference  0" in capsys.readouterr().out
    assert main(["evaluate", run, "--device", "cpu", "--backend", "mlx"]) == 0
    assert float(re.search(r"difference +(\S+)", capsys.readouterr().out)[1]) == pytest.approx(0, abs=1e-4)
    assert main(["sample", run, "ROSALIND:", "--tokens", "3", "--device", "cpu"]) == 0
    assert capsys.readouterr().out.startswith("ROSALIND:")
    assert main(["quantize", run, "--device", "cpu"]) == 0
    assert json.loads((done / "retain" / "result.json").read_text())["command"].startswith("lyceum retain RUN --text")


def state(out, arm: str = "retain") -> dict[str, np.ndarray]:
    return checkpoint.read(out / arm / checkpoint.FILE_NAME)[1]


def test_the_same_command_goes_on_after_a_signal(first, second, done, tmp_path, monkeypatch, capsys):
    out, update = tmp_path / "out", loop.iterate

    def stopped(job, folder, progress, console, logger):
        update(job, folder, progress, console, logger)
        if progress.step == 1:
            progress.step += 1
            loop.save(job, folder, progress)
            raise Interrupted("stopped", 2)

    monkeypatch.setattr(loop, "iterate", stopped)
    assert main(command(first, second, out)) == 130
    assert capsys.readouterr().err == "lyceum: stopped and saved; the same command goes on.\n"
    monkeypatch.setattr(loop, "iterate", update)
    assert main(command(first, second, out)) == 0
    for arm in ("retain", "plain"):
        same_state(state(out, arm), state(done, arm))


@pytest.mark.slow
@pytest.mark.parametrize("file", ["plain/checkpoint.safetensors", "retain/config.json", "plain/result.json"])
def test_the_same_command_goes_on_after_kill_9(first, second, done, tmp_path, file):
    out = tmp_path / "out"
    environment = os.environ | {"PYTHONPATH": ROOT}
    run = [sys.executable, "-c", PROGRAM, *command(first, second, out)]
    process = subprocess.Popen(run, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / file).exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait(20)
    assert main(command(first, second, out)) == 0
    for arm in ("retain", "plain"):
        same_state(state(out, arm), state(done, arm))


@pytest.mark.slow
@pytest.mark.parametrize("systems", ["grow,meta", "repair,objective,muon"])
def test_a_run_whose_training_changed_shape_or_rule_is_continued(second, tmp_path, systems):
    """What grew has grown; rates, averages and moments begin anew, at the weights of the first run."""
    first = train(tmp_path, "aristotle", systems=("tokenize", *systems.split(",")))
    assert main(command(first, second, tmp_path / "out", "--backend", "mlx")) == 0
    before = checkpoint.read(first / checkpoint.FILE_NAME)[1]
    weights = {name[21:]: x for name, x in state(tmp_path / "out").items() if name.startswith("tables.retain.weights")}
    assert len(weights) > 20 and "growth.born" not in state(tmp_path / "out")
    assert all((x == before[f"model{name}"]).all() for name, x in weights.items())


@pytest.mark.slow  # the next but two stops elsewhere and goes on likewise
def test_more_steps_go_on_further(first, second, done, tmp_path):
    out = tmp_path / "out"
    assert main(command(first, second, out, "--steps", "2")) == 0
    assert main(command(first, second, out)) == 0
    same_state(state(out), state(done))


def refused(capsys, *arguments: str) -> str:
    assert main(list(arguments)) == 2
    out, errors = capsys.readouterr()
    assert errors.startswith("lyceum: ") and errors.count("\n") == 1 and out == ""
    return errors


def test_wrong_use_is_one_sentence(run, runs, first, second, done, tmp_path, capsys):
    out = tmp_path / "out"
    assert "is unfinished, at iteration 2" in refused(capsys, *command(runs / "stopped", second, out))
    assert "there is no text 'sonnets': choose from comedies" in refused(capsys, *command(first, "sonnets", out))
    assert "was trained on" in refused(capsys, *command(first, first.parent / "text", out))
    assert "'baseline' cannot retain a first text" in refused(capsys, *command(run, second, out))
    assert "continued on a second text already" in refused(
        capsys, *command(done / "retain", first.parent / "text", out)
    )
    assert "a strength is a number above 0" in refused(capsys, *command(first, second, out, "--strength", "0"))
    assert "steps must be an integer from 1" in refused(capsys, *command(first, second, out, "--steps", "0"))
    assert "there is no run in" in refused(capsys, *command(tmp_path / "nothing", second, out))
    assert "another continuation: its record.strength" in refused(
        capsys, *command(first, second, done, "--strength", "3")
    )
    assert "is not an empty folder" in refused(capsys, *command(first, second, done / "retain"))
    assert "beyond 2" in refused(capsys, *command(first, second, done, "--steps", "2"))
    assert not out.exists()


def test_a_run_cannot_be_started_with_it(second, capsys):
    arguments = dict(persona="aristotle", data_dir=str(second), device="cpu", quiet=True, steps=1)
    with pytest.raises(train_mps.UsageError, match="lyceum retain RUN makes one"):
        train_mps.train("torch", systems=("tokenize", "retain"), **arguments)
    assert train_mps.main(["--with", "retain"]) == 2
    assert "run it with lyceum retain RUN" in capsys.readouterr().err


def test_the_first_run_is_known_by_its_weights(first):
    arrays = checkpoint.read(first / checkpoint.FILE_NAME)[1]
    one = starting.digest(arrays)
    arrays["model.norm.weight"] = arrays["model.norm.weight"] + np.float32(1e-6)
    assert one != starting.digest(arrays)
