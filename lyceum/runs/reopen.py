"""A run of the past, as a trainer again: its checkpoint, its plan and its text, in either backend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyceum.contract import Fixed, UsageError
from lyceum.corpus.batches import val_blocks
from lyceum.runs import checkpoint
from lyceum.runs.folder import RunFolder
from lyceum.training.evaluation import split_losses
from lyceum.training.job import Job
from lyceum.training.request import Request, started_with
from lyceum.training.session import build


@dataclass(frozen=True)
class Reopened:
    """job: the trainer with the weights of the checkpoint, the plan, the corpus. request: as now, in this backend.

    written_by: the backend that wrote the checkpoint. step: iterations done. last_step: those asked for.
    """

    folder: RunFolder
    job: Job
    request: Request
    written_by: str
    step: int
    last_step: int

    @property
    def unfinished(self) -> str | None:
        """A sentence that says so; None for a run whose iterations are done."""
        if self.step >= self.last_step:
            return None
        return f"this run is unfinished, at iteration {self.step:,} of {self.last_step:,}."


def reopen(
    fixed: Fixed, path: Path, backend: str | None = None, device: str | None = None, data_dir: str | None = None
) -> Reopened:
    """The run in the folder `path`. backend, device, data_dir: None takes those of the run.

    Raises UserError, one sentence, for what is no run, what cannot be read, and a text that is not the run's.
    """
    folder = RunFolder(path)
    if not folder.checkpoint.exists():
        raise UsageError(f"there is no run in {path}: give the folder of one, with {checkpoint.FILE_NAME} in it.")
    asked = {"backend": backend, "device": device, "data_dir": data_dir}
    asked = {name: value for name, value in asked.items() if value is not None} | {"resume": str(path)}
    request = Request(**(started_with(asked) | {"device": None} | asked | {"out": None, "log": None}))
    request.check(fixed)
    header, arrays = checkpoint.read(folder.checkpoint)
    job = build(fixed, request, folder, (header, arrays))
    # A run that was written but never trained (`python -m parity perturb`) has no sessions yet.
    written_by = header["sessions"][-1]["backend"] if header["sessions"] else header["request"]["backend"]
    return Reopened(folder, job, request, written_by, header["step"], request.last_step(fixed))


def losses_of(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """(losses, weights), (K, T) each, of every validation token, for `lyceum.training.evaluation.ratio`."""
    blocks = val_blocks(job.corpus, job.fixed.batch_size, job.fixed.block_size)
    return split_losses(job.trainer, blocks)
