"""`lyceum search` from end to end: a real search of a moment, its record, its page; and wrong use in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import train_mps
from lyceum.cli import main
from lyceum.experiments.search import storage
from lyceum.rng import stream

SEARCH = ["search", "aristotle", "--candidates", "2", "--space", "peak_lr=1e-3:1e-2:log", "--switch", "tokenize,memory"]


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    """A short text."""
    folder = tmp_path_factory.mktemp("text")
    for name, length in (("train.bin", 1600), ("val.bin", 200)):
        ids = stream(0, f"test-{name}").zipf(1.3, length) % 50257
        (folder / name).write_bytes(ids.astype("<u2").tobytes())
    return folder


@pytest.fixture(scope="module")
def finished(text, tmp_path_factory) -> Path:
    """The folder of a finished search: two configurations, two iterations each."""
    out = tmp_path_factory.mktemp("search") / "finished"
    assert main([*SEARCH, "--budget", "4", "--data-dir", str(text), "--out", str(out)]) == 0
    return out


def test_a_search_ends_in_a_record_and_a_page(finished):
    record = json.loads((finished / "record.json").read_text())
    assert record["persona"] == "aristotle" and record["chosen_by"]["spent"] == record["chosen_by"]["allotted"] == 4
    assert "data:" not in (finished / "search.html").read_text().split("</head>")[1]
    runs = sorted(path.name for path in finished.glob("candidate-*"))
    assert runs == ["candidate-000-1337", "candidate-001-1337"]
    assert json.loads((finished / runs[1] / "config.json").read_text())["recipe"].keys() == {"peak_lr"}


def test_the_record_can_be_trained(finished, text, tmp_path):
    record = json.loads((finished / "record.json").read_text())
    record_of = ["--recipe", str(finished / "record.json")]
    flags = ["--steps", "1", "--data-dir", str(text), "--out", str(tmp_path / "a"), "--backend", "torch"]
    assert train_mps.main([*record_of, *flags, "--device", "cpu"]) == 0
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert config["recipe"] == record["recipe"] and config["model"]["systems"] == record["systems"]
    assert config["model"]["recipe"]["peak_lr"] == record["recipe"]["peak_lr"]


def test_a_finished_search_trains_nothing_and_says_the_same(finished, text, monkeypatch, capsys):
    before = (finished / "record.json").read_bytes(), (finished / "search.html").read_bytes()
    monkeypatch.setattr(train_mps, "train", None)
    assert main([*SEARCH, "--budget", "4", "--data-dir", str(text), "--out", str(finished)]) == 0
    assert ((finished / "record.json").read_bytes(), (finished / "search.html").read_bytes()) == before
    assert str(finished / "record.json") in capsys.readouterr().out


def refused(capsys, *flags: str) -> str:
    assert main(["search", *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lyceum: ") and error.count("\n") == 1
    return error


def test_a_study_of_another_space_is_refused(finished, text, capsys):
    other = ["peak_lr=1e-3:2e-2:log" if flag.startswith("peak_lr") else flag for flag in SEARCH[1:]]
    error = refused(capsys, *other, "--budget", "4", "--data-dir", str(text), "--out", str(finished))
    assert "the study 'aristotle' is of another search: its space.peak_lr is FloatDistribution(high=0.01" in error


def test_another_text_is_another_study(finished, tmp_path, text, capsys):
    for name in ("train.bin", "val.bin"):
        (tmp_path / name).write_bytes(np.frombuffer((text / name).read_bytes(), np.uint16)[::-1].tobytes())
    out = tmp_path / "out"
    out.mkdir()
    (out / "journal.log").write_bytes((finished / "journal.log").read_bytes())
    error = refused(capsys, *SEARCH[1:], "--budget", "4", "--data-dir", str(tmp_path), "--out", str(out))
    assert "of another search: its data.train is" in error


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["aristotle"], "missing option"),
        (["aristotle", "--budget", "0"], "should be greater than or equal to 1"),
        (["aristotle", "--budget", "5"], "a budget of 5 iterations is too little: 16 candidates need 64 or more"),
        (["aristotle", "--budget", "4", "--candidates", "3"], "2, 4, 8, 16, ... candidates, not 3"),
        (["aristotle", "--budget", "10000", "--space", "speed=1:2"], "a recipe has no field 'speed' to search"),
        (["aristotle", "--budget", "10000", "--seeds", "one"], "is not a list of integers"),
        (["aristotle", "--budget", "10000", "--seeds", "1,1"], "the seeds 1, 1 are not different"),
        (["baseline", "--budget", "10000"], "baseline has no search: choose another persona"),
        (["plato", "--budget", "10000"], "there is no persona 'plato'"),
        (["aristotle", "--budget", "10000", "--storage", "somewhere"], "--storage is no database URL"),
        (["aristotle", "--budget", "10000", "--storage", "oracle+none://a/b"], "needs a driver that is not installed"),
        (["aristotle", "--budget", "10000", "--storage", "sqlite:////nowhere/a.db"], "cannot be reached"),
    ],
)
def test_wrong_use_is_one_sentence(capsys, tmp_path, monkeypatch, flags, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage, "TRIES", 1)
    assert words in refused(capsys, *flags)
    assert not list(tmp_path.rglob("*")), "nothing is written"


def test_a_password_is_not_printed(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage, "TRIES", 1)
    error = refused(
        capsys, "aristotle", "--budget", "10000", "--storage", "postgresql+psycopg://me:secret@127.0.0.1:1/x"
    )
    assert "secret" not in error and "me:***@127.0.0.1:1" in error


def test_a_text_that_is_none_is_one_sentence(capsys, tmp_path):
    out = str(tmp_path / "out")
    assert "train.bin" in refused(capsys, "aristotle", "--budget", "1000", "--data-dir", str(tmp_path), "--out", out)
