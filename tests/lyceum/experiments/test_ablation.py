"""The ablation: its compositions, its differences, its table, and that it continues where it stopped."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import train_mps
from lyceum import corpus
from lyceum.cli.experiments.ablation import ablation
from lyceum.contract import UsageError
from lyceum.experiments import effects, runs
from lyceum.experiments.ablation import ablate
from lyceum.experiments.ablation.compositions import DEFAULT, compositions
from lyceum.experiments.ablation.table import markdown, record
from lyceum.personas import PERSONAS
from lyceum.rng import stream
from lyceum.training.evaluation import paired

SPARSE = next(each for each in compositions("aristotle") if each.system == "sparse")


def test_one_composition_for_each_switch():
    by_system = {each.system: each for each in compositions("aristotle")}
    assert next(iter(by_system)) == DEFAULT and by_system[DEFAULT].systems == PERSONAS["aristotle"].default
    assert set(by_system) - {DEFAULT} == {one.name for one in PERSONAS["aristotle"].systems if not one.command}
    assert by_system["sparse"].change == "off" and "sparse" not in by_system["sparse"].systems
    assert by_system["rope"].change == "on, without mla" and "rope" in by_system["rope"].systems
    assert by_system["circuit"].change == "on, with rope, without superpose, mla"
    assert [each.system for each in compositions("aristotle", ["ssm"])] == [DEFAULT, "ssm"]


def drawn_losses() -> tuple[list, list]:
    rng = stream(0, "test-ablation")
    reference = [rng.normal(5, 1, (30, 8)) for _ in range(2)]
    changed = [losses + rng.normal(0.1, 0.02, (30, 8)) for losses in reference]
    for losses in (*reference, *changed):
        losses[-1, 5:] = np.nan
    return changed, reference


def test_a_record_is_the_paired_difference_of_the_seeds_mean():
    changed, reference = drawn_losses()
    effect = record(SPARSE, changed, reference, (1.5, 1.4, 1.6), 1234)
    assert effect["difference"] == pytest.approx(np.mean(effect["by_seed"]), rel=1e-9) == pytest.approx(0.1, abs=0.01)
    assert effect["error"] < paired(changed[0], reference[0])[1]  # two seeds know more than one
    assert effect["full_vloss"] == pytest.approx(np.nanmean(changed), rel=1e-9)


def example_records() -> dict[str, dict]:
    changed, reference = drawn_losses()
    return {
        DEFAULT: record(compositions("aristotle")[0], reference, reference, (1.0, 1.0, 1.0), 1000),
        "sparse": record(SPARSE, changed, reference, (1.5, 1.4, 1.6), 1234),
    }


def test_the_table_has_every_figure():
    head, rule, first, second = markdown(example_records(), [1337, 1]).splitlines()
    assert head.count("|") == rule.count("|") == first.count("|") == second.count("|") == 9
    assert "| sparse | off | 5." in second and " ± 0.00" in second
    assert "1.50 (1.40 to 1.60)" in second and "1,234" in second


def test_a_finished_run_is_not_run_again(tmp_path, monkeypatch):
    folder = SPARSE.folder(tmp_path, 3)
    folder.mkdir(parents=True)
    np.save(folder / "val_losses.npy", np.ones((2, 2)))
    (folder / "result.json").write_text(json.dumps({"iterations": 20}))
    monkeypatch.setattr(train_mps, "train", None)
    assert np.array_equal(runs.losses(folder, 3, SPARSE.systems, 20), np.ones((2, 2)))


def test_an_interrupted_run_is_continued(tmp_path, monkeypatch):
    folder = SPARSE.folder(tmp_path, 3)
    request = {}

    def train(**arguments):
        request.update(arguments)
        np.save(folder / "val_losses.npy", np.zeros((1, 1)))

    monkeypatch.setattr(train_mps, "train", train)
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").touch()
    runs.losses(folder, 3, SPARSE.systems, 20, persona="aristotle", backend="torch")
    assert request["resume"] == str(folder) and request["systems"] == SPARSE.systems and request["seed"] == 3


def test_effects_of_other_systems_stay(monkeypatch, tmp_path):
    monkeypatch.setattr(effects, "EFFECTS", tmp_path / "effects.json")
    effects.save("aristotle", {"rope": {"difference": 1}})
    effects.save("aristotle", {"ssm": {"difference": 2}})
    assert effects.effects() == {"aristotle": {"rope": {"difference": 1}, "ssm": {"difference": 2}}}


def test_every_recorded_effect_belongs_to_a_system():
    for persona, records in effects.effects().items():
        assert records.keys() <= {DEFAULT, *(system.name for system in PERSONAS[persona].systems)}


def test_an_ablation_from_end_to_end(tmp_path, monkeypatch):
    """Every composition on every seed, then the costs; each step replaced by a quick one."""
    trained = []

    def losses(folder, seed, systems, **request):
        trained.append((folder.name.partition("-")[0], seed, request["steps"]))
        return np.full((3, 4), 5.0) + np.arange(3)[:, None] / 100 + 0.1 * ("sparse" not in systems)

    monkeypatch.setattr(runs, "losses", losses)
    monkeypatch.setattr(ablate.costs, "sizes", lambda chosen, *_: {each.system: 7 for each in chosen})
    monkeypatch.setattr(ablate.costs, "times", lambda chosen, *_: {each.system: (1.0, 0.9, 1.1) for each in chosen})
    records = ablate.ablate("aristotle", "torch", [3, 4], 20, 1, tmp_path, ["sparse"])
    assert trained == [(DEFAULT, 3, 20), ("sparse", 3, 20), (DEFAULT, 4, 20), ("sparse", 4, 20)]
    assert records["sparse"]["difference"] == pytest.approx(0.1) and records["sparse"]["parameters"] == 7


@pytest.mark.parametrize(("persona", "only"), [("plato", ()), ("aristotle", ("plato",))])
def test_an_unknown_name_is_one_sentence(tmp_path, persona, only):
    with pytest.raises(UsageError, match="no persona 'plato'|has no system 'plato': choose from"):
        ablate.ablate(persona, "torch", [1], 20, 1, tmp_path, only)


def command(*arguments: str):
    app = typer.Typer()
    app.command()(ablation)
    return CliRunner().invoke(app, arguments)


def test_the_command_prints_the_table_and_saves(monkeypatch, tmp_path):
    request = []
    monkeypatch.setattr(ablate, "ablate", lambda *arguments: request.extend(arguments) or example_records())
    monkeypatch.setattr(effects, "EFFECTS", tmp_path / "effects.json")
    result = command("aristotle", "--seeds", "1337,1", "--only", "sparse", "--steps", "20", "--save")
    assert result.exit_code == 0, result.output
    assert "| sparse | off |" in result.output and effects.effects()["aristotle"]["sparse"]["change"] == "off"
    assert request[0] == "aristotle" and request[2:4] == [[1337, 1], 20] and request[6] == ["sparse"]


def test_seeds_that_are_no_numbers():
    error = command("aristotle", "--seeds", "one").exception
    assert isinstance(error, UsageError) and "is not a list of integers" in str(error)


def test_the_development_split_is_the_end_of_the_training_split(tmp_path):
    ids, text = corpus.load().train, corpus.load(runs.development_split(tmp_path))
    assert np.array_equal(np.concatenate([text.train, text.val]), ids)
    assert len(text.val) == len(ids) // 10 and not text.official
