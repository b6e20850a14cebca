"""The listing of systems: all of them, whether they stand, their job and what was measured."""

from __future__ import annotations

import json

import train_mps
from lyceum import personas
from lyceum.cli import systems
from lyceum.experiments.ablation import effects


def test_every_system_is_listed(capsys):
    assert train_mps.main(["--systems"]) == 0
    page = capsys.readouterr().out
    for persona in personas.PERSONAS.values():
        assert all(system.name in page for system in persona.systems)


def test_state_job_and_effect(monkeypatch, tmp_path):
    record = {"change": "off", "difference": 0.0421, "error": 0.0031, "time": 0.97}
    monkeypatch.setattr(effects, "EFFECTS", tmp_path / "effects.json")
    effects.EFFECTS.write_text(json.dumps({"aristotle": {"rope": record}}))
    lines = systems.listing().splitlines()
    rope, job, effect = lines[(at := next(i for i, line in enumerate(lines) if line.startswith("  rope"))) : at + 3]
    assert rope.endswith("default") and job.strip().startswith("positions")
    assert effect.strip() == "off: +0.0421 ± 0.0031, time x 0.97"
    ssm = next(i for i, line in enumerate(lines) if line.startswith("  ssm"))
    assert lines[ssm].endswith("--with ssm") and lines[ssm + 2].strip() == "effect not measured"
