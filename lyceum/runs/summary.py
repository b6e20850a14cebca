"""What a run folder says of its run, read without a framework and without the weights.

    finished     all iterations are done: result.json has the figures
    stopped      there is a checkpoint, from which train_mps.py --resume continues (or still does)
    started      there is no checkpoint yet
    unreadable   a file is damaged, or of another version of this program

An older version's result can still be read; its checkpoint cannot, which `older` says.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lyceum import personas
from lyceum.contract import UsageError, UserError
from lyceum.personas.spec.system import title
from lyceum.runs import checkpoint
from lyceum.runs.folder import RunFolder

State = Literal["finished", "stopped", "started", "unreadable"]


@dataclass(frozen=True)
class Summary:
    """One run. title: "aristotle with ssm". backends: in the order of their use. data: SHA-256 of the splits.

    persona: its name, with which the title begins. step, last_step: iterations done and asked for. Losses in nats per
    token. What is not known is None. reason: why the figures are not comparable, None if they are. problem: why
    the run cannot be read.
    """

    path: Path
    state: State
    persona: str | None = None
    title: str | None = None
    backends: tuple[str, ...] = ()
    seed: int | None = None
    data: dict[str, str] | None = None
    older: bool = False
    step: int | None = None
    last_step: int | None = None
    full_vloss: float | None = None
    full_vloss_se: float | None = None
    best_vloss: float | None = None
    minutes: float | None = None
    reason: str | None = None
    problem: str | None = None

    @property
    def status(self) -> str:
        """The state in words."""
        if self.state == "unreadable":
            return f"unreadable: {self.problem}"
        if self.state == "started":
            return "no checkpoint yet"
        if self.state == "stopped":
            return f"stopped at {self.step:,} of {self.last_step:,}"
        return "finished by an older version" if self.older else "finished"


def find(folder: Path) -> list[Path]:
    """The run folders at or below `folder`, by name. Raises UsageError if there is no such folder."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: give one with runs in it.")
    paths = []
    for parent, names, _ in os.walk(folder):
        if _is_run(Path(parent)):
            paths.append(Path(parent))
            names.clear()
    return sorted(paths)


def summarize(path: Path) -> Summary:
    """The summary of the run in the folder `path`, whatever its state. Raises nothing."""
    try:
        return _finished(path) if RunFolder(path).result.exists() else _unfinished(path)
    except KeyError as error:
        problem = f"its record lacks {error}, as another version of this program would write it"
    except (UserError, OSError, TypeError, ValueError) as error:
        problem = str(error).replace(f"{path}{os.sep}", "").rstrip(".")
    return Summary(path, "unreadable", problem=problem)


def readable(path: Path) -> Summary:
    """The same. Raises UserError for a folder that has no run, or one that cannot be read."""
    if not _is_run(path):
        raise UsageError(f"there is no run in {path}: give the folder of one.")
    summary = summarize(path)
    if summary.state == "unreadable":
        raise UserError(f"{path} cannot be read: {summary.problem}.")
    return summary


def _is_run(path: Path) -> bool:
    folder = RunFolder(path)
    return any(file.exists() for file in (folder.checkpoint, folder.result, path / "config.json"))


def _finished(path: Path) -> Summary:
    config, result = (_json(path / name) for name in ("config.json", RunFolder(path).result.name))
    return Summary(
        path,
        "finished",
        **_identity(config),
        step=result["iterations"],
        last_step=result["iterations"],
        full_vloss=result["full_vloss"],
        full_vloss_se=result["full_vloss_se"],
        best_vloss=result["best_vloss"],
        minutes=result["elapsed_min"],
        reason=result["not_comparable_because"],
    )


def _unfinished(path: Path) -> Summary:
    folder = RunFolder(path)
    if not folder.checkpoint.exists():
        config = _json(path / "config.json")
        return Summary(path, "started", **_identity(config), reason=config["not_comparable_because"])
    header = checkpoint.read_header(folder.checkpoint)
    steps = header["request"]["steps"]
    return Summary(
        path,
        "stopped",
        **_identity(header),
        step=header["step"],
        last_step=header["contract"]["max_iters"] if steps is None else steps,
        best_vloss=header["best_vloss"] if header["history"] else None,
        minutes=header["seconds"] / 60,
        reason="unfinished",
    )


def _identity(record: dict) -> dict[str, object]:
    """What config.json and a checkpoint's header have in common."""
    name, systems = record["persona"], record["model"].get("systems", ())
    words = title(personas.PERSONAS[name], systems) if name in personas.PERSONAS else name
    recipe = record.get("recipe") or record.get("request", {}).get("recipe")
    return {
        "persona": name,
        "title": f"{words}, another recipe" if recipe else words,
        "backends": tuple(dict.fromkeys(session["backend"] for session in record["sessions"])),
        "seed": record["seed"],
        "data": record["data"],
        "older": record["format"] != checkpoint.FORMAT,
    }


def _json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path.name} is damaged ({error})") from error
