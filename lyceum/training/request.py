"""What the user asked for, checked before anything is loaded or written.

A request holds everything that may differ between two runs of the contract. It is stored with the run, so that a run
can be repeated from its record and `--resume` needs no other argument.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lyceum import personas
from lyceum.contract import Fixed, UsageError
from lyceum.corpus import TEXTS
from lyceum.runs import checkpoint, record
from lyceum.runs.folder import RunFolder
from lyceum.training import loggers

DEVICES = {"mlx": ("metal", "cuda", "cpu"), "torch": ("mps", "cuda", "cpu")}
SEED_LIMIT = 2**63


@dataclass(frozen=True)
class Request:
    """The arguments of train().

    steps: stop after this many iterations of the contract; None runs all of them.
    data_dir, out, resume: folders, or None for tiny Shakespeare, a new folder under ./runs, and a fresh start; data_dir
    may be the name of a further text (`lyceum.corpus.TEXTS`).
    systems: the names of the persona's enabled systems; None takes its default. log: a logger's name, or None.
    recipe: other values of some fields of the persona's recipe, or None.
    """

    backend: str
    persona: str
    seed: int
    data_dir: str | None
    out: str | None
    device: str | None
    steps: int | None
    resume: str | None
    systems: tuple[str, ...] | None = None
    log: str | None = None
    recipe: Mapping[str, float] | None = None

    def check(self, fixed: Fixed) -> None:
        """Raises UsageError for what is wrong whatever the machine and the data are."""
        if self.backend not in DEVICES:
            raise UsageError(f"there is no backend {self.backend!r}: choose one of {', '.join(DEVICES)}.")
        devices = DEVICES[self.backend]
        if self.device is not None and self.device not in devices:
            raise UsageError(f"{self.backend} has no device {self.device!r}: choose one of {', '.join(devices)}.")
        if not _is_integer(self.seed) or not 0 <= self.seed < SEED_LIMIT:
            raise UsageError(f"the seed must be an integer from 0 to 2^63 - 1, got {self.seed!r}.")
        if self.steps is not None and (not _is_integer(self.steps) or not 1 <= self.steps <= fixed.max_iters):
            raise UsageError(f"steps must be an integer from 1 to {fixed.max_iters}, got {self.steps!r}.")
        if self.out is not None and self.resume is not None:
            raise UsageError("a resumed run stays in its folder: give --resume or --out, not both.")
        loggers.check(self.log)

    def folder(self) -> RunFolder:
        """The folder of the run, not yet created. Raises UsageError rather than let a run overwrite another."""
        if self.resume is not None:
            return RunFolder(Path(self.resume))
        if self.out is None:
            return RunFolder(_new_folder(Path("runs"), f"{self.persona}-{self.backend}-{self.seed}"))
        path = Path(self.out)
        if (path / checkpoint.FILE_NAME).exists():
            raise UsageError(f"{path} holds a run already: continue it with --resume {path}, or choose another --out.")
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise UsageError(f"{path} exists and is not an empty folder: choose another --out.")
        return RunFolder(path)

    def last_step(self, fixed: Fixed) -> int:
        """The number of iterations after which the run ends."""
        return fixed.max_iters if self.steps is None else self.steps

    def recorded(self) -> dict[str, object]:
        """What has to be asked for again to continue the run, from whatever folder."""
        data_dir = self.data_dir
        if data_dir is not None and str(data_dir) not in TEXTS:
            data_dir = str(Path(data_dir).resolve())
        return dict(
            backend=self.backend,
            persona=self.persona,
            seed=self.seed,
            data_dir=data_dir,
            device=self.device,
            steps=self.steps,
            systems=None if self.systems is None else list(self.systems),
            log=self.log,
            recipe=None if self.recipe is None else dict(self.recipe),
        )

    def command(self) -> str:
        """The command line that repeats this run from the start."""
        enabled = self.systems or ()
        for system in personas.find(self.persona).systems:
            if system.command and system.name in enabled:
                return shlex.join([*system.command.split(), "--text", str(self.data_dir), "--steps", str(self.steps)])
        given = {name: value for name, value in self.recorded().items() if value is not None}
        given |= switches(self.persona, given.pop("systems", None))
        if "recipe" in given:
            given["recipe"] = json.dumps({"recipe": given["recipe"]})
        flags = [part for name, value in given.items() for part in ("--" + name.replace("_", "-"), str(value))]
        return shlex.join(["python", "train_mps.py", *flags])


def switches(persona: str, systems: Iterable[str] | None) -> dict[str, str]:
    """The flags that make `systems` of the persona's default: {"with": "ssm", "without": "rope,memory"}."""
    default = personas.find(persona).default
    chosen = default if systems is None else tuple(systems)
    differences = {
        "with": [name for name in chosen if name not in default],
        "without": [name for name in default if name not in chosen],
    }
    return {flag: ",".join(names) for flag, names in differences.items() if names}


def composed(given: dict[str, object]) -> dict[str, object]:
    """The arguments with a record's content for "recipe", and "with" and "without" combined into the enabled systems.

    Raises UsageError for what is unknown, for what contradicts a record and for systems that exclude each other.
    """
    if isinstance(given.get("recipe"), str):
        given = record.merged(given)
    rest = {name: value for name, value in given.items() if name not in ("with", "without")}
    if rest.keys() == given.keys():
        return rest
    names = ([part for part in str(given.get(flag, "")).split(",") if part] for flag in ("with", "without"))
    try:
        return rest | {"systems": personas.compose(str(given.get("persona", "aristotle")), *names)}
    except personas.PersonaError as error:
        raise UsageError(str(error)) from error


def started_with(given: dict[str, object]) -> dict[str, object]:
    """The arguments with which the run to be resumed was started, for those that `given` leaves open.

    The backends name their devices differently, so one that was asked for is dropped if the backend changes.
    Raises CheckpointError if given["resume"] holds no readable checkpoint.
    """
    header, _ = checkpoint.read(Path(str(given["resume"])) / checkpoint.FILE_NAME)
    recorded = dict(header["request"])
    if given.get("backend", recorded["backend"]) != recorded["backend"]:
        del recorded["device"]
    return recorded


def _new_folder(runs: Path, name: str) -> Path:
    name = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    # Runs started within one second, by a search driver for instance.
    names = (name if copy == 1 else f"{name}-{copy}" for copy in range(1, 1000))
    return next(runs / name for name in names if not (runs / name).exists())


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
