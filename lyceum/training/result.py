"""The result of a run: its figures, whether they may be compared with others, and the files that keep them."""

from __future__ import annotations

import numpy as np

from lyceum.contract import UserError
from lyceum.corpus.batches import val_blocks
from lyceum.runs import figure
from lyceum.runs.folder import RunFolder
from lyceum.training.console import Console
from lyceum.training.evaluation import ratio, split_losses
from lyceum.training.job import Job
from lyceum.training.progress import Progress
from lyceum.training.request import Request
from lyceum.training.saving import finite


def comparability(job: Job, progress: Progress, steps: int) -> dict[str, object]:
    """Whether figures after `steps` iterations may stand in a table of results, and if not, why."""
    backends = {session["backend"] for session in progress.sessions}
    reasons = []
    if steps < job.fixed.max_iters:
        reasons.append(f"shortened to {steps} of {job.fixed.max_iters} iterations")
    if not job.corpus.official:
        reasons.append(f"the data are not the contract's ({job.corpus.source})")
    if len(backends) > 1:
        reasons.append(f"run partly on {' and partly on '.join(sorted(backends))}")
    return {"comparable": not reasons, "not_comparable_because": "; ".join(reasons) or None}


def finish(job: Job, request: Request, folder: RunFolder, progress: Progress, console: Console) -> dict[str, object]:
    """The figures of a run whose iterations are done, written to the folder."""
    blocks = val_blocks(job.corpus, job.fixed.batch_size, job.fixed.block_size)
    losses, weights = split_losses(job.trainer, blocks)
    full_vloss, error = ratio(losses, weights)
    finite(full_vloss, "full_vloss", progress.step, folder)
    status = comparability(job, progress, progress.step)
    try:
        folder.write_figure(figure.draw(progress.history, _title(job, request, status), full_vloss))
    except OSError as problem:
        console.warn(f"cannot write {folder.path / 'loss.png'} ({problem.strerror}).")
    result = {
        "best_vloss": progress.best_vloss,
        "full_vloss": full_vloss,
        "full_vloss_se": error,
        "elapsed_min": progress.seconds() / 60,
        "peak_memory_bytes": job.trainer.peak_memory(),
        "iterations": progress.step,
        **status,
        "command": request.command(),
    }
    try:
        folder.write_losses(np.where(weights > 0, losses, np.nan).astype(np.float32))
        folder.write_metrics([*progress.history, {"summary": True, **result}])
        folder.write_json(folder.result.name, result)
    except OSError as problem:
        raise UserError(
            f"cannot write the result into {folder.path} ({problem.strerror}): free some space, then "
            f"finish with --resume {folder.path}."
        ) from problem
    return result


def _title(job: Job, request: Request, status: dict[str, object]) -> str:
    title = f"{job.plan.title} on {request.backend}, seed {job.seed}"
    return title if status["comparable"] else f"{title}\nnot comparable: {status['not_comparable_because']}"
