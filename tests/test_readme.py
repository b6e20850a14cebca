"""The README against the program: every system, every command, and the personas that a run can have."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import train_mps
from lyceum.cli.app import COMMANDS
from lyceum.personas import PERSONAS
from parity.cli.options import COMMANDS as PARITY_COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \|(.*)$", README, re.MULTILINE))
SYSTEMS = [(persona, system) for persona in PERSONAS.values() for system in persona.systems]


@pytest.mark.parametrize(("persona", "system"), SYSTEMS, ids=lambda each: each.name)
def test_every_system_is_in_the_table_with_its_number_a_link_and_how_it_is_enabled(persona, system):
    row, number = ROWS[system.name], system.label.partition(",")[0]
    path = Path(import_module(f"lyceum.personas.{persona.name}.{system.name}").__file__).relative_to(ROOT)
    assert f"[{number}]({path})" in row
    enabled = row.rsplit("|", 2)[1]
    if system.command:
        assert system.command in enabled
    elif system.name in persona.default:
        assert "by default" in enabled
    else:
        assert f"`--with {system.name}" in enabled


def test_the_table_has_no_other_rows():
    assert set(ROWS) == {system.name for _, system in SYSTEMS}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_subcommand_of_lyceum_is_named(command):
    assert re.search(rf"^\| `lyceum {command}\b", README, re.MULTILINE)


@pytest.mark.parametrize("command", PARITY_COMMANDS)
def test_every_command_of_parity_is_named(command):
    assert re.search(rf"^\| `python -m parity {command}\b", README, re.MULTILINE)


def test_every_persona_can_be_trained():
    for name in PERSONAS:
        assert train_mps.arguments(["--persona", name]) == {"persona": name}
