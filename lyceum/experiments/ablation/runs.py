"""The runs of a screening, and how long an iteration of each arm takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

import train_mps
from lyceum import corpus, personas
from lyceum.bench.race import compared, race
from lyceum.experiments.ablation.arms import Arm
from lyceum.runs import files
from lyceum.runs.checkpoint import FILE_NAME
from lyceum.runs.folder import LOSSES
from lyceum.training import backends
from lyceum.training.job import Job

HELD_OUT = 10  # one in so many tokens of the training split, its end
TIMED = 5  # iterations of each arm in a round


def losses(arm: Arm, out: Path, seed: int, **request) -> np.ndarray:
    """The loss of every validation token, (K, T), of an arm's run: made now, continued, or found finished.

    request: backend, persona, steps and data_dir, as for `train_mps.train`.
    """
    place = arm.folder(out, seed)
    if not _finished(place, request["steps"]):
        where = {"resume": str(place)} if (place / FILE_NAME).exists() else {"out": str(place)}
        train_mps.train(seed=seed, systems=arm.systems, quiet=True, **where, **request)
    return np.load(place / LOSSES)


def held_out(out: Path) -> str:
    """A folder under `out` with another split: trained on but the last tenth of the training split, compared on that.

    What is chosen must not be chosen on the validation split.
    """
    place, ids = out / "held-out-text", corpus.load().train
    place.mkdir(parents=True, exist_ok=True)
    cut = len(ids) - len(ids) // HELD_OUT
    for name, part in (("train.bin", ids[:cut]), ("val.bin", ids[cut:])):
        files.write(place / name, part.astype("<u2").tobytes())
    return str(place)


def _finished(place: Path, steps: int) -> bool:
    try:
        return json.loads((place / "result.json").read_text(encoding="utf-8"))["iterations"] == steps
    except FileNotFoundError:
        return False


def sizes(arms: list[Arm], persona: str, text: corpus.Corpus) -> dict[str, int]:
    """The number of parameters of each arm, by its system."""
    plans = {arm.system: personas.plan(persona, train_mps.FIXED, text.train, systems=arm.systems) for arm in arms}
    return {name: sum(value.size for value in plan.initial(0).values()) for name, plan in plans.items()}


def times(arms: list[Arm], persona: str, backend: str, text: corpus.Corpus, rounds: int) -> dict[str, tuple]:
    """(ratio, low, high) of each arm's time per iteration to that of the first, with its 95% interval, by system."""
    seconds = race({arm.system: _iterate(arm, persona, backend, text) for arm in arms}, rounds, TIMED)
    return {arm.system: compared(seconds[arm.system], seconds[arms[0].system]) for arm in arms}


def _iterate(arm: Arm, persona: str, backend: str, text: corpus.Corpus) -> Callable[[int], float]:
    """What runs iteration t of an arm to its end."""
    plan = personas.plan(persona, train_mps.FIXED, text.train, systems=arm.systems)
    job = Job(backends.load(backend)(plan, 0), plan, text, train_mps.FIXED, 0)
    return lambda t: float(job.update(t))
