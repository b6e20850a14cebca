"""The order of events, and that a run stopped anywhere and continued is the same run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lyceum.corpus.batches import val_batch
from lyceum.runs import checkpoint, files
from lyceum.training import loop, saving
from lyceum.training.console import Console
from tests.support import toy_backend

PROGRAM = str(Path(toy_backend.__file__))


def test_it_evaluates_before_the_update_every_hundredth_iteration_and_at_the_last(tmp_path):
    toy = toy_backend.train(tmp_path, toy_backend.FIXED.max_iters)
    lines = metrics(tmp_path)
    assert [line["step"] for line in lines] == [0, 100, 200, 300, 400, 500]
    assert toy.trainer.calls[:2] == ["losses", "step"]
    assert toy.trainer.calls == ((["losses"] + ["step"] * 100) * 5 + ["losses", "step"])
    assert lines[3]["lr"] == toy.plan.recipe.learning_rate(300)
    assert lines[-1]["train_loss"] < lines[0]["train_loss"] - 0.2


def test_a_validation_loss_is_the_mean_over_its_batch_before_the_update(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    toy_backend.train(one, 101)
    for index, toy in enumerate((toy_backend.job(), toy_backend.train(other, 100))):
        losses = toy.trainer.losses(*val_batch(toy.corpus, index, 2, 8))
        assert metrics(one)[index]["val_loss"] == losses.mean(dtype=np.float64)


@pytest.mark.parametrize("stop", [1, 100, 101, 137])
def test_a_continued_run_is_the_uninterrupted_one_bit_for_bit(tmp_path, stop):
    uninterrupted, parts = tmp_path / "uninterrupted", tmp_path / "parts"
    uninterrupted.mkdir(), parts.mkdir()
    toy_backend.train(uninterrupted, 250)
    toy_backend.train(parts, stop)
    toy_backend.train(parts, 250)
    same_run(uninterrupted, parts)


def test_lines_after_the_checkpoint_are_written_again_and_only_once(tmp_path):
    uninterrupted, parts = tmp_path / "uninterrupted", tmp_path / "parts"
    uninterrupted.mkdir(), parts.mkdir()
    toy_backend.train(uninterrupted, 350)
    toy_backend.train(parts, 150)
    with open(parts / "metrics.jsonl", "a") as file:
        file.write('{"step": 200, "val_loss": 0}\n{"step": 300, "val_')
    toy_backend.train(parts, 350)
    same_run(uninterrupted, parts)
    assert checkpoint.read(parts / checkpoint.FILE_NAME)[0]["best_vloss"] > 0


def test_seconds_of_earlier_sessions_are_added(tmp_path):
    _, _, progress = toy_backend.start(tmp_path)
    progress.earlier = 100.0
    assert 100 <= progress.seconds() < 101


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_in_good_order(tmp_path, number, status):
    uninterrupted, parts = tmp_path / "uninterrupted", tmp_path / "parts"
    uninterrupted.mkdir(), parts.mkdir()
    process = subprocess.Popen(
        [sys.executable, PROGRAM, parts, "1000000", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_for(lambda: len(metrics(parts)) > 2)
    process.send_signal(number)
    out, errors = process.communicate(timeout=20)
    step = checkpoint.read(parts / checkpoint.FILE_NAME)[0]["step"]
    assert process.returncode == status and errors == ""
    assert f"stopped after {step} iterations" in out and f"--resume {parts}" in out
    toy_backend.train(parts, step + 50)
    toy_backend.train(uninterrupted, step + 50)
    same_run(uninterrupted, parts)


def test_kills_at_random_moments_never_lose_the_checkpoint(tmp_path):
    uninterrupted, parts = tmp_path / "uninterrupted", tmp_path / "parts"
    uninterrupted.mkdir(), parts.mkdir()
    last = 0
    for pause in (0.0, 0.003, 0.011, 0.017):
        process = subprocess.Popen([sys.executable, PROGRAM, parts, "1000000", "1"])
        _wait_for(lambda: (parts / checkpoint.FILE_NAME).exists() and _step(parts) > last + 5)  # noqa: B023
        time.sleep(pause)
        process.kill()
        process.wait(timeout=20)
        last = _step(parts)
    toy_backend.train(parts, last + 50)
    toy_backend.train(uninterrupted, last + 50)
    same_run(uninterrupted, parts)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, which Linux has")
def test_a_full_disk_at_a_periodic_checkpoint_is_a_warning_and_at_the_last_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_INTERVAL", 50)
    toy, folder, progress = toy_backend.start(tmp_path)
    console = Spy()
    files.temporary(folder.checkpoint).symlink_to("/dev/full")
    loop.run(toy, folder, progress, 120, console)
    assert len(console.warnings) == 1 and "No space left" in console.warnings[0]
    assert "there is no checkpoint yet" in console.warnings[0]
    assert _step(tmp_path) == 120
    files.temporary(folder.checkpoint).symlink_to("/dev/full")
    with pytest.raises(checkpoint.CheckpointError, match="No space left"):
        loop.run(toy, folder, progress, 150, console)
    assert _step(tmp_path) == 120


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, which Linux has")
def test_metrics_that_a_full_disk_refused_are_written_when_there_is_space(tmp_path):
    toy, folder, progress = toy_backend.start(tmp_path)
    file, console = tmp_path / "metrics.jsonl", Spy()
    file.unlink()
    file.symlink_to("/dev/full")
    loop.run(toy, folder, progress, 50, console)
    assert len(console.warnings) == 1 and "metrics.jsonl" in console.warnings[0]
    loop.run(toy, folder, progress, 150, console)
    assert [line["step"] for line in metrics(tmp_path)] == [0, 100] and len(console.warnings) == 1


@pytest.mark.parametrize("what", ["validation", "training"])
def test_a_loss_that_is_no_number_stops_the_run_and_names_the_last_checkpoint(tmp_path, what):
    toy_backend.train(tmp_path, 95)
    toy, folder, progress = toy_backend.start(tmp_path)
    name = {"validation": "losses", "training": "step"}[what]
    setattr(toy.trainer, name, lambda *arguments: np.float32("nan"))
    with pytest.raises(saving.Diverged) as caught:
        loop.run(toy, folder, progress, 250, Console(quiet=True))
    assert f"{what} loss is nan at iteration 100" in str(caught.value)
    assert f"the last checkpoint is of iteration 95, in {tmp_path}" in str(caught.value)
    assert _step(tmp_path) == 95


def test_a_diverged_state_never_replaces_a_healthy_checkpoint(tmp_path):
    toy_backend.train(tmp_path, 95)
    toy, folder, progress = toy_backend.start(tmp_path)
    toy.trainer.table[3, 4] = np.inf
    with pytest.raises(saving.Diverged, match="model.table is no longer finite at iteration 95"):
        saving.save(toy, folder, progress)
    assert np.isfinite(checkpoint.read(folder.checkpoint)[1]["model.table"]).all()


class Spy(Console):
    """A silent console that keeps its warnings."""

    def __init__(self):
        super().__init__(quiet=True)
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def metrics(path: Path) -> list[dict]:
    file = path / "metrics.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def same_run(one: Path, other: Path) -> None:
    """Both folders hold the same evaluations and the same state, bit for bit, times apart."""
    untimed = [[line | {"seconds": 0} for line in metrics(path)] for path in (one, other)]
    assert untimed[0] == untimed[1]
    (header, arrays), (header_, arrays_) = (checkpoint.read(path / checkpoint.FILE_NAME) for path in (one, other))
    for key in ("step", "streams", "best_vloss", "model", "contract", "data"):
        assert header[key] == header_[key]
    assert {name: array.tobytes() for name, array in arrays.items()} == {
        name: array.tobytes() for name, array in arrays_.items()
    }


def _step(path: Path) -> int:
    return checkpoint.read(path / checkpoint.FILE_NAME)[0]["step"]


def _wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, os.times()
        time.sleep(0.01)
