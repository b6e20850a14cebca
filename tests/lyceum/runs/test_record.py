"""A persona's record: what --recipe takes, what it refuses, and that a run keeps it."""

from __future__ import annotations

import json
import shlex

import pytest

import train_mps
from lyceum import personas
from lyceum.contract import UsageError
from lyceum.personas import PersonaError
from lyceum.runs import checkpoint
from lyceum.runs.summary import summarize
from lyceum.training.request import Request, composed, started_with
from tests.lyceum.cli.conftest import train

RECORD = {"persona": "euclid", "systems": ["rope"], "recipe": {"peak_lr": 0.002, "dropout": 0.0}}


def given(*flags: str) -> dict:
    return composed(train_mps.arguments(list(flags)))


def test_a_file_and_its_text_are_the_same(tmp_path):
    file = tmp_path / "record.json"
    file.write_text(json.dumps(RECORD | {"chosen_by": {"study": "x"}}))
    assert given("--recipe", str(file)) == RECORD == given("--recipe", json.dumps(RECORD))
    assert given("--recipe", str(file), "--persona", "euclid", "--seed", "3") == RECORD | {"seed": 3}


def test_a_run_is_made_by_its_record_marked_by_it_and_repeats_it(tmp_path):
    out = train(tmp_path, "euclid", systems=("rope",), recipe=RECORD["recipe"])
    config = json.loads((out / "config.json").read_text())
    assert config["recipe"] == RECORD["recipe"]
    assert config["model"]["recipe"]["peak_lr"] == 0.002 and config["model"]["recipe"]["weight_decay"] == 2.0
    assert summarize(out).title == "euclid without tokenize,norm,ssm,sparse,memory, another recipe"
    repeated = given(*shlex.split(config["command"])[2:])
    assert repeated["recipe"] == RECORD["recipe"] and list(repeated["systems"]) == ["rope"]
    assert started_with({"resume": str(out)})["recipe"] == RECORD["recipe"]
    request = dict(backend="torch", persona="euclid", seed=1337, resume=str(out), device="cpu", steps=3, quiet=True)
    with pytest.raises(checkpoint.CheckpointError, match="its model.recipe.peak_lr is 0.002, not 0.001"):
        train_mps.train(**request, systems=("rope",), data_dir=str(tmp_path / "text"))
    assert train_mps.main(["--resume", str(out), "--steps", "3"]) == 0
    assert json.loads((out / "config.json").read_text())["recipe"] == RECORD["recipe"]


def test_without_a_record_nothing_changes():
    request = Request("torch", "euclid", 1, None, None, None, 7, None)
    assert request.recorded()["recipe"] is None and "--recipe" not in request.command()
    plans = [personas.plan("baseline", train_mps.FIXED, None, tables={}, recipe=recipe) for recipe in (None, {})]
    assert plans[0] == plans[1]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"persona": "plato"}, "there is no persona 'plato'"),
        ({"systems": ["sail"]}, "has no system 'sail'"),
        ({"recipe": {"speed": 1}}, "a recipe has no field 'speed' to set: choose from peak_lr"),
        ({"recipe": {"total_steps": 1}}, "no field 'total_steps'"),
        ({"recipe": {"dropout": 1.0}}, "dropout must be a number from 0 to 1, without 1, got 1.0"),
        ({"recipe": {"warmup_steps": 1.5}}, "warmup_steps must be an integer of at least 0"),
        ({"recipe": {"peak_lr": True}}, "peak_lr must be a number above 0, got True"),
        ({"recipe": {"peak_lr": "fast"}}, "peak_lr must be a number above 0, got 'fast'"),
        ({"recipe": 3}, "the entry 'recipe' of .* is 3, which is no dict"),
        ({"reciep": {}}, "unknown entry 'reciep'"),
    ],
)
def test_what_is_wrong_in_a_record_is_one_sentence(record, words):
    with pytest.raises(UsageError, match=words):
        given("--recipe", json.dumps(record))


def test_flags_that_contradict_a_record_are_refused(tmp_path):
    with pytest.raises(UsageError, match="is a record of euclid: leave --persona out"):
        given("--recipe", json.dumps(RECORD), "--persona", "aristotle")
    with pytest.raises(UsageError, match="leave --with and --without out"):
        given("--recipe", json.dumps(RECORD), "--with", "moe")
    with pytest.raises(UsageError, match="cannot be read"):
        given("--recipe", str(tmp_path / "absent.json"))
    (tmp_path / "text").write_text("peak_lr=1")
    with pytest.raises(UsageError, match="is not JSON"):
        given("--recipe", str(tmp_path / "text"))


def test_a_recipe_given_to_train_is_checked_too():
    with pytest.raises(UsageError, match="no field 'speed'"):
        train_mps.train("torch", "baseline", recipe={"speed": 1})
    with pytest.raises(PersonaError, match="no field 'speed'"):
        personas.plan("baseline", train_mps.FIXED, None, tables={}, recipe={"speed": 1})
