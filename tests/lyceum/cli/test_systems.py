"""The listing of systems: all of them, how each is enabled, its job and its measured effect."""

from __future__ import annotations

import json

import pytest

from lyceum import personas
from lyceum.cli import main
from lyceum.experiments import effects


@pytest.fixture
def listing(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def listed(*arguments: str) -> str:
        assert main(["systems", *arguments]) == 0
        return capsys.readouterr().out

    return listed


def test_every_system_is_listed_and_the_numbers_are_explained_once(listing):
    page = listing()
    for persona in personas.PERSONAS.values():
        assert (persona.thesis in page) == bool(persona.systems)
        for system in persona.systems:
            assert all(part in page for part in (system.name, *system.label.split(", ", 1), system.command))
    assert page.count("A8 and E8 are two answers to the same one") == 1


def test_one_persona(listing, capsys):
    page = listing("euclid")
    assert "E8" in page and "A5" not in page
    assert "No systems" in listing("baseline")
    assert main(["systems", "plato"]) == 2
    assert capsys.readouterr().err.startswith("lyceum: there is no persona 'plato': choose one of")


def test_how_it_is_enabled_and_its_effect(listing, monkeypatch, tmp_path):
    record = {"change": "off", "difference": 0.0421, "error": 0.0031, "time": 0.97}
    monkeypatch.setattr(effects, "EFFECTS", tmp_path / "effects.json")
    effects.EFFECTS.write_text(json.dumps({"aristotle": {"sparse": record}}))
    lines = listing("aristotle").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(" A18"))
    assert "sparse" in lines[at] and "by default" in lines[at] and "off:" in lines[at]
    assert "essence and accident" in lines[at + 1] and "+0.0421 ± 0.0031, time × 0.97" in lines[at + 1]
    ssm = next(line for line in lines if line.startswith(" A2"))
    assert "--with ssm" in ssm and "not measured" in ssm
    circuit = next(i for i, line in enumerate(lines) if line.startswith(" A23"))
    assert "--with rope,circuit" in lines[circuit] and "--without superpose,mla" in lines[circuit + 1]


def test_what_a_command_has_shown_is_written_and_listed(listing, aristotle, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(effects, "EFFECTS", tmp_path / "effects.json")
    effects.save("aristotle", {"rope": {"change": "off", "difference": 0.0, "error": 0.0, "time": 1.0}})
    assert main(["sample", str(aristotle), "ROMEO:", "--tokens", "3", "--save"]) == 0
    summary = capsys.readouterr().err
    record = effects.effects()["aristotle"]["sample"]
    assert record["measured by"] == "lyceum sample RUN ROMEO: --tokens 3 --seed 1337"
    assert record["figure"].replace("\n", "; ") + "\n" == summary
    assert record["figure"].partition("\n")[0] in listing("aristotle") and "rope" in effects.effects()["aristotle"]


def test_what_a_page_has_shown_is_written(aristotle, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(effects, "EFFECTS", tmp_path / "effects.json")
    assert main(["interpret", str(aristotle), "To be or", "--out", str(tmp_path / "page.html"), "--save"]) == 0
    record = effects.effects()["aristotle"]["interpret"]
    assert record["measured by"] == "lyceum interpret RUN 'To be or'"
    assert record["figure"].replace("\n", " ") == capsys.readouterr().out.splitlines()[1]
