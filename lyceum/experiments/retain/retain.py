"""`lyceum retain`: the same command begins both runs, goes on with them, and prints their table when they are done."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from lyceum import corpus, personas
from lyceum.contract import Fixed, UsageError, UserError
from lyceum.experiments.retain.begin import ARMS, RETAIN, Second, begin, digest
from lyceum.experiments.retain.table import Row, tables
from lyceum.personas import Plan, System
from lyceum.runs import checkpoint, files
from lyceum.runs.reopen import Reopened, reopen
from lyceum.training import session

RECORD = "retain.json"


def retain(
    fixed: Fixed,
    run: Path,
    text: str,
    out: Path,
    steps: int,
    strength: float | None = None,
    say: Callable[[str], None] = print,
    quiet: bool = False,
    **where: object,
) -> dict[str, list[Row]]:
    """The tables of `run` continued on `text`, whose runs go to `out`; begun, or gone on with if they are there.

    where: backend, device and data_dir of the run, as `lyceum.runs.reopen.reopen` takes them.
    Raises UserError with one sentence, or Interrupted after a signal.
    """
    second = checked(fixed, reopen(fixed, run, **where), text, out, steps, strength)
    if not second.folder(RETAIN).checkpoint.exists():
        say(f"Measuring the first text, {second.first.job.corpus.source}.")
        begin(second)
    for arm in ARMS:
        if not _finished(second, arm):
            session.run(fixed, second.request(arm), time.perf_counter(), quiet)
    made = tables(second)
    _write(second, {"tables": {name: [asdict(row) for row in rows] for name, rows in made.items()}})
    return made


def checked(fixed: Fixed, first: Reopened, text: str, out: Path, steps: int, strength: float | None) -> Second:
    """What is to be done, recorded in `out`. Raises UsageError for what cannot be, before anything is computed."""
    if first.unfinished is not None:
        raise UsageError(
            f"{first.unfinished[:-1]}: finish it first, with python train_mps.py --resume {first.folder.path}."
        )
    system = _system(first.job.plan)
    if system.name in first.job.plan.systems:
        raise UsageError(f"the run in {first.folder.path} is continued on a second text already: give one that is not.")
    if strength is not None and not (math.isfinite(strength) and strength > 0):
        raise UsageError(f"a strength is a number above 0, got {strength}: plain fine-tuning is trained beside it.")
    if strength is not None and system.retain.share and strength > 1:
        raise UsageError(f"{first.job.plan.name}'s strength is a share, of at most 1, got {strength}.")
    strength = system.retain.strength if strength is None else strength
    second = Second(first, system, text, _corpus(text, first), out, strength, steps)
    second.request(RETAIN).check(fixed)
    _match(second)
    return second


def _system(plan: Plan) -> System:
    for system in plan.persona.systems:
        if system.retain:
            return system
    having = [name for name, other in personas.PERSONAS.items() if any(s.retain for s in other.systems)]
    raise UsageError(f"the persona {plan.name!r} cannot retain a first text: give a run of {' or '.join(having)}.")


def _corpus(text: str, first: Reopened) -> corpus.Corpus:
    if text not in corpus.TEXTS and not Path(text).is_dir():
        names = ", ".join(corpus.TEXTS)
        raise UsageError(f"there is no text {text!r}: choose from {names}, or give a folder of train.bin and val.bin.")
    try:
        second = corpus.load(text)
    except corpus.CorpusError as error:
        raise UsageError(str(error)) from error
    if checkpoint.digest(second.train) == checkpoint.digest(first.job.corpus.train):
        raise UsageError(f"the run in {first.folder.path} was trained on {text} already: give another --text.")
    return second


def _match(second: Second) -> None:
    """Begin a record in the folder, or compare with the one that is there."""
    path, asked = second.out / RECORD, _identity(second)
    if path.exists():
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} is damaged ({error}): choose another --out.") from error
        if first := checkpoint.difference("record", {name: there.get(name) for name in asked}, asked):
            raise UsageError(f"{second.out} holds another continuation: {first}; choose another --out.")
        return
    if second.out.exists() and not (second.out.is_dir() and not any(second.out.iterdir())):
        raise UsageError(f"{second.out} exists and is not an empty folder: choose another --out.")
    _write(second, {})


def _identity(second: Second) -> dict[str, object]:
    """What must be equal for one command to go on with what another began."""
    return {
        "first": digest(second.first.job.trainer.read()),
        "text": checkpoint.digest(second.corpus.train),
        "strength": second.strength,
    }


def _write(second: Second, more: dict[str, object]) -> None:
    source = {"run": str(second.first.folder.path.resolve()), "source": second.corpus.source}
    try:
        second.out.mkdir(parents=True, exist_ok=True)
        record = _identity(second) | source | more
        files.write(second.out / RECORD, (json.dumps(record, indent=2) + "\n").encode())
    except OSError as error:
        raise UserError(f"cannot write into {second.out} ({error.strerror}): choose another --out.") from error


def _finished(second: Second, arm: str) -> bool:
    folder = second.folder(arm)
    return folder.result.exists() and checkpoint.read_header(folder.checkpoint)["step"] == second.steps
