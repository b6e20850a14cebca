"""What two runs on a second text have learned of it, and what they have forgotten of the first.

Losses are taken on the validation splits of the first and of the second text, in blocks; every difference is paired by
block, with its standard error. A memory forgets nothing, since it counts both training texts, and so hides what the
weights forgot: the weights alone have one table, the model as it is used another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lyceum.corpus.batches import val_blocks
from lyceum.experiments.retain.begin import PLAIN, RETAIN, Second
from lyceum.runs.reopen import Reopened, reopen
from lyceum.training import backends
from lyceum.training.evaluation import paired, ratio, split_losses
from lyceum.training.job import Job

BEFORE, DIFFERENCE = "before", "retain less plain"
ALONE, USED = "the weights alone", "with the memory"

Figure = tuple[float, float]  # nats per token, and its standard error
Losses = tuple[np.ndarray, np.ndarray]  # of every validation token of the first text and of the second


@dataclass(frozen=True)
class Row:
    """A loss on each text and its change, None where there is none."""

    name: str
    first: Figure | None
    first_change: Figure | None
    second: Figure | None
    second_change: Figure | None


def tables(second: Second) -> dict[str, list[Row]]:
    """{ALONE: rows, USED: the same with a memory, if the model has one}. Both runs are finished."""
    request = second.first.request
    arms = (second.folder(arm).path for arm in (PLAIN, RETAIN))
    fixed = second.first.job.fixed
    models = [second.first, *(reopen(fixed, path, request.backend, request.device) for path in arms)]
    made = {ALONE: [_losses(_alone(model), second) for model in models]}
    if "evidence" in second.first.job.plan.modules:
        made[USED] = [_losses(model.job, second) for model in models]
    return {name: _rows(*losses) for name, losses in made.items()}


def _alone(model: Reopened) -> Job:
    """The weights of a run, without a memory."""
    job, request = model.job, model.request
    modules = {name: spec for name, spec in job.plan.modules.items() if name not in ("memory", "evidence")}
    plan = replace(job.plan, modules=modules)
    trainer = backends.start(request.backend, backends.load(request.backend), plan, job.seed, request.device)
    trainer.write(job.trainer.read())
    return replace(job, trainer=trainer, plan=plan)


def _losses(job: Job, second: Second) -> Losses:
    """(K, T) for each text, nan in filling positions."""

    def of(text) -> np.ndarray:
        losses, weights = split_losses(job.trainer, val_blocks(text, job.fixed.batch_size, job.fixed.block_size))
        return np.where(weights > 0, losses, np.nan)

    return of(second.first.job.corpus), of(second.corpus)


def _rows(before: Losses, plain: Losses, retain: Losses) -> list[Row]:
    return [
        _row(BEFORE, before, None),
        _row(PLAIN, plain, before),
        _row(RETAIN, retain, before),
        replace(_row(DIFFERENCE, retain, plain), first=None, second=None),
    ]


def _row(name: str, losses: Losses, than: Losses | None) -> Row:
    first, second = (ratio(x, np.isfinite(x)) for x in losses)
    changes = (None, None) if than is None else [paired(old, new) for new, old in zip(losses, than, strict=True)]
    return Row(name, first, changes[0], second, changes[1])
