"""The training loop, written once for both backends.

Iteration t = 0, 1, ..., max_iters - 1:

    if t is a multiple of 100:  v <- mean loss on validation batch t / 100      (before the update, so 101 evaluations)
    g <- gradient of the loss on training batch t, under noise t
    parameters <- update(parameters, g, learning rate t)

Everything that iteration t uses is addressed by t, so a run stopped between two iterations and continued from a
checkpoint is the same run.

Reading a loss waits for the GPU to finish what is queued. So it is read every tenth iteration and at an evaluation, and
only then can a loss that is no longer finite be noticed (lyceum.training.saving).
"""

from __future__ import annotations

import shlex

import numpy as np

from lyceum.corpus.batches import val_batch
from lyceum.runs import checkpoint
from lyceum.runs.folder import RunFolder
from lyceum.training.console import Console
from lyceum.training.job import Job
from lyceum.training.loggers import Logger
from lyceum.training.progress import Progress
from lyceum.training.saving import finite, last_checkpoint, save
from lyceum.training.signals import Interrupted, StopNote

LOSS_INTERVAL = 10
CHECKPOINT_INTERVAL = 1000


def run(
    job: Job, folder: RunFolder, progress: Progress, steps: int, console: Console, logger: Logger | None = None
) -> None:
    """Train until `steps` iterations are done, leaving metrics and a last checkpoint in `folder`.

    Raises Interrupted after a signal, with the state saved; Diverged; CheckpointError if the last state is not saved.
    """
    with StopNote() as stop, console.bar(progress.step, steps):
        while progress.step < steps:
            iterate(job, folder, progress, console, logger or Logger())
            progress.step += 1
            if stop.signal is not None:
                save(job, folder, progress)
                raise Interrupted(farewell(folder, progress), stop.signal)
            if progress.step % CHECKPOINT_INTERVAL == 0 and progress.step < steps:
                try:
                    save(job, folder, progress)
                except checkpoint.CheckpointError as error:
                    console.warn(f"{error} The run goes on; {last_checkpoint(folder)}.")
        save(job, folder, progress)


def iterate(job: Job, folder: RunFolder, progress: Progress, console: Console, logger: Logger) -> None:
    """Iteration number progress.step: the evaluation, if it is due, and the update."""
    step = progress.step
    evaluate = step % job.fixed.eval_interval == 0
    val_loss = finite(validation_loss(job, step), "validation loss", step, folder) if evaluate else None
    loss = job.update(step)
    for damage in job.damages():
        console.warn(damage)
    if not evaluate and step % LOSS_INTERVAL:
        return
    train_loss = finite(float(loss), "training loss", step, folder)
    console.advance(step + 1, train_loss)
    if evaluate:
        progress.history.append(
            {
                "step": step,
                "val_loss": val_loss,
                "train_loss": train_loss,
                "lr": job.plan.recipe.learning_rate(step),
                "seconds": round(progress.seconds(), 3),
            }
        )
        console.evaluation(progress)
        _append_metrics(folder, progress, console)
        logger.evaluation(progress.history[-1])


def validation_loss(job: Job, step: int) -> float:
    """The mean loss of the evaluation at iteration `step`, in nats per token, summed in float64."""
    first = step // job.fixed.eval_interval * job.fixed.eval_batches
    batches = (
        val_batch(job.corpus, index, job.fixed.batch_size, job.fixed.block_size)
        for index in range(first, first + job.fixed.eval_batches)
    )
    return float(np.mean([np.mean(job.trainer.losses(*batch), dtype=np.float64) for batch in batches]))


def _append_metrics(folder: RunFolder, progress: Progress, console: Console) -> None:
    try:
        folder.append_metrics(progress.history)
    except OSError as error:
        console.warn(
            f"cannot write {folder.path / 'metrics.jsonl'} ({error.strerror}): the run goes on, free some space."
        )


def farewell(folder: RunFolder, progress: Progress) -> str:
    """How to continue a run that was stopped in good order."""
    command = f"python train_mps.py --resume {shlex.quote(str(folder.path))}"
    return f"stopped after {progress.step} iterations and saved; continue with {command}"
