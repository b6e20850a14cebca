"""A persona's record: what `lyceum search` ends in and `train_mps.py --recipe` takes, a file or its text.

    {"persona": "aristotle", "systems": ["tokenize", "rope", "memory"], "recipe": {"peak_lr": 0.0021, "dropout": 0.15}}

Each entry may be left out. "chosen_by" says where it comes from and is not read.
"""

from __future__ import annotations

import json
from pathlib import Path

from lyceum import personas
from lyceum.contract import UsageError

ENTRIES = {"persona": str, "systems": list, "recipe": dict, "chosen_by": dict}


def merged(given: dict[str, object]) -> dict[str, object]:
    """The arguments of train() with those of the record given["recipe"], a file's name or JSON text.

    Raises UsageError, one sentence, for a record that cannot be read and for flags that contradict it.
    """
    name = str(given["recipe"])
    record = read(name)
    if record.get("persona", given.get("persona")) != given.get("persona", record.get("persona")):
        raise UsageError(f"{name} is a record of {record['persona']}: leave --persona out.")
    if "systems" in record and {"with", "without"} & given.keys():
        raise UsageError(f"{name} says which systems are enabled: leave --with and --without out.")
    taken = {entry: record[entry] for entry in ("persona", "systems") if entry in record}
    return given | taken | {"recipe": record.get("recipe")}


def read(name: str) -> dict:
    """The record in a file, or in JSON text that begins with a brace. Raises UsageError, one sentence."""
    try:
        record = json.loads(name if name.lstrip().startswith("{") else Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--recipe {name} cannot be read ({error.strerror}): give a persona's record.") from error
    except ValueError as error:
        raise UsageError(f"--recipe {name} is not JSON ({error}): give a persona's record.") from error
    if not isinstance(record, dict):
        raise UsageError(f"--recipe {name} is not a JSON object: give a persona's record.")
    for entry, value in record.items():
        if entry not in ENTRIES:
            raise UsageError(f"{name} has an unknown entry {entry!r}: a record has {', '.join(ENTRIES)}.")
        if not isinstance(value, ENTRIES[entry]):
            raise UsageError(f"the entry {entry!r} of {name} is {value!r}, which is no {ENTRIES[entry].__name__}.")
    try:
        persona = personas.find(record.get("persona", "aristotle"))
        persona.recipe(1).changed(record.get("recipe", {}))
        personas.check(persona.name, record.get("systems"))
    except personas.PersonaError as error:
        raise UsageError(f"{name}: {error}") from error
    return record
