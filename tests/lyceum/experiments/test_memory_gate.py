"""The command that fits a memory's gate again; the fit itself is tested with the memories."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

import train_mps
from lyceum.cli.experiments.memory_gate import memory_gate
from lyceum.contract import UsageError
from lyceum.experiments.memory_gate import refit
from lyceum.personas import PERSONAS


def command(*arguments: str):
    app = typer.Typer()
    app.command()(memory_gate)
    return CliRunner().invoke(app, arguments)


def test_the_command_hands_over_what_it_was_given(monkeypatch, tmp_path):
    request = []
    monkeypatch.setattr(refit, "refit", lambda *arguments: request.extend(arguments))
    file = tmp_path / "gate.json"
    assert command("euclid", "--iterations", "50", "--backend", "mlx", "--out", str(file)).exit_code == 0
    assert request == ["euclid", train_mps.FIXED, "mlx", file, 50]
    request.clear()
    assert command("euclid").exit_code == 0 and request[2:] == ["torch", None, refit.ITERATIONS]


def test_a_persona_without_memory_is_one_sentence():
    with pytest.raises(UsageError, match="'baseline' has no memory: choose aristotle or euclid"):
        refit.memory_tables("baseline")


def test_every_memory_has_its_tables():
    with_memory = {name for name, persona in PERSONAS.items() if "memory" in {each.name for each in persona.systems}}
    assert with_memory
    for name in with_memory:
        module = refit.memory_tables(name)
        assert module.GATE.parent.parent.name == name and module.GATE.exists()
