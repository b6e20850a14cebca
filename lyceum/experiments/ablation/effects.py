"""The measured effect of every system, in `lyceum/personas/effects.json`: written by an ablation, shown in listings."""

from __future__ import annotations

import json
from pathlib import Path

from lyceum import personas
from lyceum.runs import files

EFFECTS = Path(personas.__file__).with_name("effects.json")


def effects() -> dict[str, dict[str, dict]]:
    """{persona: {system: its record, see `table.record`}}; empty before the first ablation."""
    return json.loads(EFFECTS.read_text(encoding="utf-8")) if EFFECTS.exists() else {}


def save(persona: str, records: dict[str, dict]) -> None:
    """Write a persona's records, by system; those of other personas and systems stay."""
    known = effects()
    known[persona] = known.get(persona, {}) | records
    files.write(EFFECTS, (json.dumps(known, indent=2) + "\n").encode())
