"""How a search ends: the persona's record, which `train_mps.py --recipe` runs, and the page, in the study's folder."""

from __future__ import annotations

import json
from pathlib import Path

from lyceum.contract import UserError
from lyceum.experiments.search.outcome import Outcome
from lyceum.experiments.search.page import render
from lyceum.experiments.search.setup import Setup
from lyceum.runs import files

RECORD, PAGE = "record.json", "search.html"


def persona_record(setup: Setup, name: str, result: Outcome) -> dict:
    """The record of the best candidate: persona, systems, recipe, and what it was chosen by."""
    configuration = result.candidates[result.best]
    return {
        "persona": setup.space.persona.name,
        "systems": list(setup.space.systems(configuration)),
        "recipe": setup.space.recipe(configuration),
        "chosen_by": {
            "study": name,
            "candidate": result.best,
            "gain": result.gain,
            "error": result.error,
            "steps": result.steps,
            "allotted": result.allotted,
            "spent": result.spent,
            **{entry: setup.record[entry] for entry in ("backend", "space", "budget", "seeds", "data")},
        },
    }


def write(setup: Setup, name: str, result: Outcome, out: Path) -> tuple[Path, Path]:
    """Write record and page into the folder `out`, and return their paths. Raises UserError if that fails."""
    record = persona_record(setup, name, result)
    texts = {RECORD: json.dumps(record, indent=2) + "\n", PAGE: render(setup, name, result, record)}
    for file, text in texts.items():
        _write(out / file, text.encode())
    return out / RECORD, out / PAGE


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            files.write(path, data)
    except FileNotFoundError:
        if not path.exists():  # else another worker has just written the same
            raise
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error}): choose another --out.") from error
