"""The two runs on the second text at their iteration 0: `retain`, and `plain` without any restraint.

Each is the first run's model with fresh moments and the recipe of `lyceum.personas.model.retain.continued`, on the same
batches and masks; so they differ in the restraint alone. Tables prepared from the first text stay, since the parameters
depend on them, but a memory counts both training texts.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lyceum import personas
from lyceum.corpus import Corpus
from lyceum.experiments.retain.scores import scores, tokens
from lyceum.personas import System
from lyceum.personas.spec.skeleton import START
from lyceum.runs import checkpoint
from lyceum.runs.folder import RunFolder
from lyceum.runs.reopen import Reopened
from lyceum.training import backends
from lyceum.training.progress import Progress
from lyceum.training.request import Request

RETAIN, PLAIN = "retain", "plain"
ARMS = (RETAIN, PLAIN)


@dataclass(frozen=True)
class Second:
    """What is done with a run. text: a name of `corpus.TEXTS` or a folder. corpus: its tokens. out: where both runs go.

    strength: of the restraint, where 1 is the persona's. steps: of both runs.
    """

    first: Reopened
    system: System
    text: str
    corpus: Corpus
    out: Path
    strength: float
    steps: int

    def folder(self, arm: str) -> RunFolder:
        """The run folder of an arm."""
        return RunFolder(self.out / arm)

    def request(self, arm: str) -> Request:
        """What continues an arm."""
        systems = (*self.first.job.plan.systems, self.system.name)
        resume = str(self.folder(arm).path)
        return replace(self.first.request, data_dir=self.text, resume=resume, steps=self.steps, systems=systems)


def digest(state: dict[str, np.ndarray]) -> str:
    """SHA-256 (hex) of the model in a trainer's state."""
    sha = hashlib.sha256()
    for name in sorted(name for name in state if name.startswith("model.")):
        sha.update(name.encode() + state[name].tobytes())
    return sha.hexdigest()


def begin(second: Second) -> None:
    """Write the checkpoints of both arms. Raises CheckpointError if one cannot be written."""
    job, name = second.first.job, second.system.name
    state = job.trainer.read()
    weights = {f"weights.{parameter[6:]}": x for parameter, x in state.items() if parameter.startswith("model.")}
    retain = second.system.retain
    measured = retain.measure(scores(job, from_text=retain.from_text), tokens(job, retain.from_text))
    weight = 1.0 if retain.share else len(job.corpus.train) / len(second.corpus.train)
    first = {"first": np.frombuffer(bytes.fromhex(digest(state)), np.uint8)}
    restraints = {
        RETAIN: weights | measured | first | {"strength": np.float32(second.strength * weight)},
        PLAIN: first | {"strength": np.float32(0)},
    }
    for arm in reversed(ARMS):  # the last of them says that all is written
        restraint = {f"{name}.{table}": np.asarray(x) for table, x in restraints[arm].items()}
        _write(second, arm, state, _tables(second) | restraint)


def _tables(second: Second) -> dict[str, np.ndarray]:
    plan = second.first.job.plan
    both = {}
    for system in plan.persona.systems:
        if system.memory and system.name in plan.systems:
            texts = (plan.tables[f"{system.name}.text"], second.corpus.train)
            both[f"{system.name}.text"] = np.concatenate(texts).astype(np.uint16)
    return plan.tables | both


def _write(second: Second, arm: str, state: dict[str, np.ndarray], tables: dict[str, np.ndarray]) -> None:
    job, request, folder = second.first.job, second.request(arm), second.folder(arm)
    plan = personas.plan(job.plan.name, job.fixed, None, tables, request.systems, request.recipe)
    progress = Progress(time.perf_counter(), request.recorded())
    header = checkpoint.identity(job.fixed, plan, job.seed, second.corpus) | progress.header()
    folder.path.mkdir(parents=True, exist_ok=True)
    arrays = _started(second, plan, state) | {f"tables.{name}": x for name, x in tables.items()}
    checkpoint.write(folder.checkpoint, header, arrays)


def _started(second: Second, plan: personas.Plan, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The state of a trainer before its first step, from the model in another state."""
    request, seed = second.first.request, second.first.job.seed
    weights = {name[6:]: x for name, x in state.items() if name.startswith("model.")}
    plan = replace(plan, modules=plan.modules | {START: lambda skeleton, drawn: weights})
    return backends.start(request.backend, backends.load(request.backend), plan, seed, request.device).read()
