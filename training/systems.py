"""What `--systems` prints: every system of every persona, whether it stands, its job, and its measured effect.

The effects are those of the last screening (`python -m screening`), kept in `personas/effects.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

import rich.box
from rich.console import Console
from rich.table import Table

import personas

EFFECTS = Path(personas.__file__).parent / "effects.json"


def listing(width: int | None = None) -> str:
    """The systems as text. width: columns of the page; None takes the terminal's."""
    console = Console(width=width, highlight=False, markup=False)
    with console.capture() as captured:
        for persona in personas.PERSONAS.values():
            if persona.systems:
                console.print(_table(persona, effects().get(persona.name, {})))
        console.print(
            "Effect: what switching the system off or on does to full_vloss in nats (less is better), with its paired "
            "standard error, after the screening's iterations; RESULTS.md has the whole table."
        )
    return captured.get().rstrip()


def effects() -> dict[str, dict[str, dict]]:
    """{persona: {system: the record of its screening}}; empty before the first screening."""
    return json.loads(EFFECTS.read_text(encoding="utf-8")) if EFFECTS.exists() else {}


def _table(persona: personas.Persona, measured: dict[str, dict]) -> Table:
    table = Table(title=f"{persona.name}: {persona.thesis}", title_justify="left", box=rich.box.SIMPLE)
    for column in ("system", "", "state", "job", "effect"):
        table.add_column(column)
    for system in persona.systems:
        state = "default" if system.name in persona.default else system.command or f"--with {system.name}"
        table.add_row(system.name, system.label, state, system.job, _effect(measured.get(system.name)))
    return table


def _effect(record: dict | None) -> str:
    if record is None:
        return "not measured"
    return f"{record['change']}: {record['difference']:+.4f} +- {record['error']:.4f}, time x {record['time']:.2f}"
