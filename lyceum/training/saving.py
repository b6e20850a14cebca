"""Only healthy states are saved.

A run that has diverged is of no use to anybody, while the checkpoint before it is: so it stops at the first loss that
is not a finite number. And since a loss is computed before its update, the parameters themselves are examined before
they replace a checkpoint.
"""

from __future__ import annotations

from math import isfinite

import numpy as np

from lyceum.contract import UserError
from lyceum.runs import checkpoint
from lyceum.runs.folder import RunFolder
from lyceum.training.job import Job
from lyceum.training.progress import Progress


class Diverged(UserError):
    """A loss or a parameter is no longer a finite number."""


def save(job: Job, folder: RunFolder, progress: Progress) -> None:
    """Replace the checkpoint by the present state. Raises Diverged, CheckpointError; the old one then stays."""
    state = job.trainer.read()
    diverged = [name for name, array in state.items() if name.startswith("model.") and not np.isfinite(array).all()]
    if diverged:
        raise Diverged(_sentence(f"{diverged[0]} is no longer finite", progress.step, folder))
    tables = {f"tables.{name}": table for name, table in job.plan.tables.items()}
    header = checkpoint.identity(job.fixed, job.plan, job.seed, job.corpus) | progress.header()
    checkpoint.write(folder.checkpoint, header, state | tables)


def finite(loss: float, what: str, step: int, folder: RunFolder) -> float:
    """`loss` itself, if it is a number; else Diverged. what: its name. step: the iteration or the number of them."""
    if not isfinite(loss):
        raise Diverged(_sentence(f"the {what} is {loss}", step, folder))
    return loss


def last_checkpoint(folder: RunFolder) -> str:
    """Where the run can be continued, as part of a sentence."""
    if not folder.checkpoint.exists():
        return "there is no checkpoint yet"
    return f"the last checkpoint is of iteration {checkpoint.read(folder.checkpoint)[0]['step']}, in {folder.path}"


def _sentence(what: str, step: int, folder: RunFolder) -> str:
    return f"training has diverged: {what} at iteration {step}; {last_checkpoint(folder)}."
