"""The measured effect of every system, in `lyceum/personas/effects.json`, shown in listings.

An ablation writes what a switch does to the loss; a subcommand of `lyceum` that is a system's job, such as `retain`,
writes its figure if it is given `--save`.
"""

from __future__ import annotations

import json
from pathlib import Path

from lyceum import personas
from lyceum.runs import files

EFFECTS = Path(personas.__file__).with_name("effects.json")


def effects() -> dict[str, dict[str, dict]]:
    """{persona: {system: its record or its figure}}; empty before the first.

    See `lyceum.experiments.ablation.table.record` and `save_figure`.
    """
    return json.loads(EFFECTS.read_text(encoding="utf-8")) if EFFECTS.exists() else {}


def save(persona: str, records: dict[str, dict]) -> None:
    """Write a persona's records, by system; those of other personas and systems stay."""
    known = effects()
    known[persona] = known.get(persona, {}) | records
    files.write(EFFECTS, (json.dumps(known, indent=2) + "\n").encode())


def save_figure(persona: str, command: str, figure: str, measured_by: str) -> None:
    """Write what `lyceum COMMAND` has shown of a persona's system whose job it is. measured_by: the command line."""
    for system in personas.find(persona).systems:
        if system.command.startswith(f"lyceum {command} "):
            save(persona, {system.name: {"figure": figure, "measured by": measured_by}})
