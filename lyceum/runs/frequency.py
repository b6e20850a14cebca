"""The difference of two finished runs by how often a token is in the training text.

Every validation loss belongs to two tokens: the one that was predicted, and the one that was read just before. An
output head shows in the first, an embedding in the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyceum import corpus
from lyceum.contract import UsageError
from lyceum.corpus.batches import val_blocks
from lyceum.runs import checkpoint
from lyceum.runs.folder import RunFolder
from lyceum.runs.pairing import Difference, paired_losses
from lyceum.runs.summary import Summary
from lyceum.training.evaluation import ratio

LEAST = (0, 1, 5, 20)  # occurrences: where a class begins


@dataclass(frozen=True)
class Share:
    """The tokens whose `role` ("read" or "predicted") is of one class of frequency: occurrences "1 to 4".

    tokens: how many. loss: that of the first run, nats per token. difference: of the other run from it.
    """

    role: str
    occurrences: str
    tokens: int
    loss: float
    difference: Difference


def text_of(run: Summary, data_dir: Path | None) -> corpus.Corpus:
    """The text of a run, from `data_dir` or from where it was. Raises UserError if it is another, or cannot be had."""
    folder = data_dir or checkpoint.read_header(RunFolder(run.path).checkpoint)["request"]["data_dir"]
    try:
        text = corpus.load(folder)
    except corpus.CorpusError as error:
        raise UsageError(str(error)) from error
    if run.data != {split: checkpoint.digest(getattr(text, split)) for split in ("train", "val")}:
        raise UsageError(f"the text in {text.source} is not that of {run.path}: give its folder by --data-dir.")
    return text


def by_frequency(run: Summary, first: Summary, text: corpus.Corpus) -> Iterator[Share]:
    """The shares of the tokens of `text`, those that are read first, from rare to frequent; none that is empty.

    Raises UserError as `lyceum.runs.pairing.difference` does.
    """
    losses, reference = paired_losses(run, first)
    ((ids, targets, _),) = val_blocks(text, *reference.shape)
    counts = np.bincount(text.train, minlength=max(text.val) + 1)
    for role, tokens in (("read", ids), ("predicted", targets)):
        class_of = np.searchsorted(LEAST, counts[tokens], side="right") - 1
        for i, occurrences in enumerate(_names()):
            chosen = np.isfinite(reference) & (class_of == i)
            if chosen.any():
                difference = Difference(*ratio(losses - reference, chosen))
                yield Share(role, occurrences, int(chosen.sum()), ratio(reference, chosen)[0], difference)


def _names() -> list[str]:
    """ "0", "1 to 4", .., "20 and more"."""
    ends = [least - 1 for least in LEAST[1:]]
    closed = [str(low) if low == high else f"{low} to {high}" for low, high in zip(LEAST, ends, strict=False)]
    return [*closed, f"{LEAST[-1]} and more"]
