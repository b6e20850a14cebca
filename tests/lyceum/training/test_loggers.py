"""A logger repeats the evaluations and the result for another program, and its absence is one sentence."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from lyceum.contract import UsageError
from lyceum.training import loggers

LINE = {"step": 100, "val_loss": 5.25, "train_loss": 5.5, "lr": 1e-3}
RESULT = {"best_vloss": 5.0, "full_vloss": 5.125, "full_vloss_se": 0.25, "elapsed_min": 1.5, "iterations": 200}


def events(folder: Path) -> list[Event]:
    """The events of all files in a folder, as TensorBoard reads them: length, checksum, data, checksum."""
    records = []
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            records.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return records


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """{(name, step): value}"""
    return {
        (value.tag, event.step): value.simple_value
        for event in events(folder)
        for value in event.summary.value
        if value.HasField("simple_value")
    }


def test_tensorboard_has_every_evaluation_and_the_result(tmp_path):
    logger = loggers.open_logger("tensorboard", tmp_path, {"command": "python train_mps.py"}, 0)
    logger.evaluation(LINE)
    logger.result(RESULT)
    logger.close()
    logged = scalars(tmp_path / "tensorboard")
    assert logged[("val_loss", 100)] == 5.25 and logged[("train_loss", 100)] == 5.5
    assert logged[("full_vloss", 200)] == 5.125 and logged[("elapsed_min", 200)] == 1.5
    assert len(logged) == 3 + 4


def test_a_resumed_run_replaces_what_came_after_its_checkpoint(tmp_path):
    logger = loggers.open_logger("tensorboard", tmp_path, {"command": "python train_mps.py"}, 100)
    logger.close()
    starts = [event.step for event in events(tmp_path / "tensorboard") if event.HasField("session_log")]
    assert starts == [100]


def test_wandb_gets_the_same(tmp_path, monkeypatch):
    """Its interface, imitated: nothing leaves this machine."""
    calls: list[tuple] = []

    class Run:
        summary: dict = {}

        def log(self, values, step):
            calls.append((values, step))

        def finish(self):
            calls.append(("finish",))

    class Module:
        @staticmethod
        def init(**arguments):
            calls.append((arguments["project"], arguments["id"], arguments["resume"]))
            return Run()

    monkeypatch.setitem(sys.modules, "wandb", Module)
    logger = loggers.open_logger("wandb", tmp_path / "run", {"command": ""}, 0)
    logger.evaluation(LINE)
    logger.result(RESULT)
    logger.close()
    assert calls[0] == ("lyceum", "run", "allow") and calls[-1] == ("finish",)
    assert calls[1] == ({"val_loss": 5.25, "train_loss": 5.5, "lr": 1e-3}, 100)
    assert Run.summary == {name: RESULT[name] for name in loggers.RESULT}


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_an_absent_program_is_one_sentence(monkeypatch, name):
    monkeypatch.setitem(sys.modules, {"tensorboard": "tensorboardX", "wandb": "wandb"}[name], None)
    with pytest.raises(UsageError, match=f"--log {name} needs .*pip install"):
        loggers.check(name)


def test_an_unknown_logger_is_one_sentence():
    with pytest.raises(UsageError, match="no logger 'paper': choose one of tensorboard, wandb"):
        loggers.check("paper")


def test_no_logger_logs_nowhere(tmp_path):
    logger = loggers.open_logger(None, tmp_path, {}, 0)
    logger.evaluation(LINE)
    logger.result(RESULT)
    logger.close()
    assert not list(tmp_path.iterdir())
