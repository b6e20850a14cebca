"""What two runs on a second text have learned of it, and what they have forgotten of the first.

Losses are those of the models as they are used, with a memory if they have one, on the first text's validation split
and on the second's held-out part, in blocks; every difference is paired by block, with its standard error.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from lyceum.corpus import Corpus
from lyceum.corpus.batches import val_blocks
from lyceum.experiments.retain.begin import PLAIN, RETAIN, Second
from lyceum.runs.reopen import reopen
from lyceum.training.evaluation import paired, ratio, split_losses
from lyceum.training.job import Job

BEFORE, DIFFERENCE = "before", "retain less plain"


@dataclass(frozen=True)
class Row:
    """A loss on each text and its change, None where there is none, nats per token with their errors."""

    name: str
    first: tuple[float, float] | None
    first_change: tuple[float, float] | None
    second: tuple[float, float] | None
    second_change: tuple[float, float] | None

    def record(self) -> dict[str, object]:
        """JSON-able."""
        return asdict(self)


def rows(second: Second) -> list[Row]:
    """Before, plain fine-tuning, retain, and the difference of the last two. Both runs are finished."""
    job, texts = second.first.job, (second.first.job.corpus, second.corpus)
    losses = {BEFORE: _losses(job, texts)}
    for arm in (PLAIN, RETAIN):
        opened = reopen(job.fixed, second.folder(arm).path, second.first.request.backend, second.first.request.device)
        losses[arm] = _losses(opened.job, texts)
    made = [_row(name, of, losses[BEFORE] if name != BEFORE else None) for name, of in losses.items()]
    changes = (_change(*pair) for pair in zip(losses[RETAIN], losses[PLAIN], strict=True))
    first, other = changes
    return [*made, Row(DIFFERENCE, None, first, None, other)]


def _losses(job: Job, texts: tuple[Corpus, ...]) -> list[np.ndarray]:
    """The loss of every token of the texts' held-out parts, (K, T) each, nan in filling positions."""
    measured = (
        split_losses(job.trainer, val_blocks(text, job.fixed.batch_size, job.fixed.block_size)) for text in texts
    )
    return [np.where(weights > 0, losses, np.nan) for losses, weights in measured]


def _row(name: str, losses: list[np.ndarray], before: list[np.ndarray] | None) -> Row:
    means = [ratio(x, np.isfinite(x)) for x in losses]
    changes = [None, None] if before is None else [_change(*pair) for pair in zip(losses, before, strict=True)]
    return Row(name, means[0], changes[0], means[1], changes[1])


def _change(losses: np.ndarray, than: np.ndarray) -> tuple[float, float]:
    """By how much losses exceed others, and the error of that."""
    return paired(than, losses)
