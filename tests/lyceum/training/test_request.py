"""A request says the command that repeats it, and a resumed run takes over what was not asked for anew."""

from __future__ import annotations

import shlex

import pytest

import train_mps
from lyceum import personas
from lyceum.contract import UsageError
from lyceum.runs import checkpoint
from lyceum.training.request import Request, composed, started_with
from tests.support import toy_backend

ARGUMENTS = dict(
    backend="torch", persona="baseline", seed=3, data_dir=None, out=None, device="cpu", steps=7, resume=None
)


def test_the_command_repeats_the_request():
    program, script, *flags = shlex.split(Request(**ARGUMENTS).command())
    assert (program, script) == ("python", "train_mps.py")
    assert train_mps.arguments(flags) == {name: value for name, value in ARGUMENTS.items() if value is not None}


def test_a_folder_is_recorded_so_that_it_is_known_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Request(**ARGUMENTS | {"data_dir": "text of mine"}).recorded()["data_dir"] == str(tmp_path / "text of mine")


def test_a_further_text_is_recorded_by_its_name():
    assert Request(**ARGUMENTS | {"data_dir": "comedies"}).recorded()["data_dir"] == "comedies"


def test_a_run_that_a_subcommand_made_names_it():
    systems = (*personas.find("aristotle").default, "retain")
    request = Request(**ARGUMENTS | {"persona": "aristotle", "systems": systems, "data_dir": "comedies"})
    assert request.command() == "lyceum retain RUN --text comedies --steps 7"


def test_a_resumed_run_takes_over_what_was_recorded(tmp_path):
    recorded = Request(**ARGUMENTS).recorded()
    header = {"format": checkpoint.FORMAT, "request": recorded}
    checkpoint.write(tmp_path / checkpoint.FILE_NAME, header, {})
    assert started_with({"resume": tmp_path}) == recorded
    other_backend = started_with({"resume": tmp_path, "backend": "mlx"})
    assert "device" not in other_backend and other_backend["seed"] == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(seed=True), "True"),
        (dict(seed=2**63), "2.63 - 1"),
        (dict(steps=2.5), "2.5"),
        (dict(device="metal"), "torch has no device 'metal'"),
        (dict(resume="x", out="y"), "not both"),
    ],
)
def test_what_is_wrong_anywhere_is_refused_before_anything_is_loaded(change, words):
    Request(**ARGUMENTS).check(toy_backend.FIXED)
    with pytest.raises(UsageError, match=words):
        Request(**ARGUMENTS | change).check(toy_backend.FIXED)


def test_a_composition_is_recorded_and_repeated_by_its_switches():
    systems = composed({"persona": "aristotle", "with": "ssm,attention", "without": "mla"})["systems"]
    request = Request(**ARGUMENTS | {"persona": "aristotle", "systems": systems})
    assert request.recorded()["systems"] == list(systems)
    *_, flag, on, no_flag, off = shlex.split(request.command())
    assert (flag, on, no_flag, off) == ("--with", "attention,ssm", "--without", "mla")
    assert composed(train_mps.arguments(shlex.split(request.command())[2:]))["systems"] == systems


def test_without_switches_nothing_is_composed():
    assert composed({"persona": "aristotle"}) == {"persona": "aristotle"}
