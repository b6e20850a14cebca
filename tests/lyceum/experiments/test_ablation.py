"""The screening: its arms, its differences, its table, and that it goes on where it stopped."""

from __future__ import annotations

import json

import numpy as np
import pytest

import train_mps
from lyceum import corpus
from lyceum.cli import systems
from lyceum.experiments.ablation import __main__ as program
from lyceum.experiments.ablation import runs
from lyceum.experiments.ablation.arms import DEFAULT, arms
from lyceum.experiments.ablation.table import markdown, record
from lyceum.personas import PERSONAS
from lyceum.rng import stream
from lyceum.training.evaluation import paired

ROPE = next(arm for arm in arms("aristotle") if arm.system == "rope")


def test_one_arm_for_each_switch():
    found = {arm.system: arm for arm in arms("aristotle")}
    assert next(iter(found)) == DEFAULT and found[DEFAULT].systems == PERSONAS["aristotle"].default
    assert set(found) - {DEFAULT} == {own.name for own in PERSONAS["aristotle"].systems if not own.command}
    assert found["rope"].change == "off" and "rope" not in found["rope"].systems
    assert found["mla"].change == "on, without rope" and "mla" in found["mla"].systems
    assert [arm.system for arm in arms("aristotle", ["ssm"])] == [DEFAULT, "ssm"]


def drawn() -> tuple[list, list]:
    chance = stream(0, "test-screening")
    reference = [chance.normal(5, 1, (30, 8)) for _ in range(2)]
    own = [losses + chance.normal(0.1, 0.02, (30, 8)) for losses in reference]
    for losses in (*reference, *own):
        losses[-1, 5:] = np.nan
    return own, reference


def test_a_record_is_the_paired_difference_of_the_seeds_mean():
    own, reference = drawn()
    found = record(ROPE, own, reference, (1.5, 1.4, 1.6), 1234)
    assert found["difference"] == pytest.approx(np.mean(found["by_seed"]), rel=1e-9) == pytest.approx(0.1, abs=0.01)
    assert found["error"] < paired(own[0], reference[0])[1]  # two seeds know more than one
    assert found["full_vloss"] == pytest.approx(np.nanmean(own), rel=1e-9)


def test_the_table_has_every_figure():
    own, reference = drawn()
    records = {
        DEFAULT: record(arms("aristotle")[0], reference, reference, (1.0, 1.0, 1.0), 1000),
        "rope": record(ROPE, own, reference, (1.5, 1.4, 1.6), 1234),
    }
    head, rule, first, second = markdown(records, [1337, 1]).splitlines()
    assert head.count("|") == rule.count("|") == first.count("|") == second.count("|") == 9
    assert "| rope | off | 5." in second and " ± 0.00" in second
    assert "1.50 (1.40 to 1.60)" in second and "1,234" in second


def test_a_finished_run_is_not_run_again(tmp_path, monkeypatch):
    place = ROPE.folder(tmp_path, 3)
    place.mkdir(parents=True)
    np.save(place / "val_losses.npy", np.ones((2, 2)))
    (place / "result.json").write_text(json.dumps({"iterations": 20}))
    monkeypatch.setattr(train_mps, "train", None)
    assert np.array_equal(runs.losses(ROPE, tmp_path, 3, steps=20), np.ones((2, 2)))


def test_an_interrupted_run_is_continued(tmp_path, monkeypatch):
    place = ROPE.folder(tmp_path, 3)
    asked = {}

    def train(**request):
        asked.update(request)
        np.save(place / "val_losses.npy", np.zeros((1, 1)))

    monkeypatch.setattr(train_mps, "train", train)
    place.mkdir(parents=True)
    (place / "checkpoint.safetensors").touch()
    runs.losses(ROPE, tmp_path, 3, steps=20, persona="aristotle", backend="torch")
    assert asked["resume"] == str(place) and asked["systems"] == ROPE.systems and asked["seed"] == 3


def test_effects_of_other_systems_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(systems, "EFFECTS", tmp_path / "effects.json")
    program.keep("aristotle", {"rope": {"difference": 1}})
    program.keep("aristotle", {"ssm": {"difference": 2}})
    assert systems.effects() == {"aristotle": {"rope": {"difference": 1}, "ssm": {"difference": 2}}}


def test_an_unknown_name_is_one_sentence(capsys):
    assert program.main(["aristotle", "--only", "plato"]) == 2
    assert capsys.readouterr().err.startswith("screening: aristotle has no system 'plato': choose from")
    assert program.main(["plato"]) == 2


def test_what_is_held_out_is_the_end_of_the_training_split(tmp_path):
    whole, text = corpus.load().train, corpus.load(runs.held_out(tmp_path))
    assert np.array_equal(np.concatenate([text.train, text.val]), whole)
    assert len(text.val) == len(whole) // 10 and not text.official
