"""Text from a checkpoint.

    checkpoint -> plan -> trainer -> next id, from the last block_size ids -> its bytes -> text, as it comes

Several continuations of one prompt are written side by side, AT_ONCE at a time; each is what it would be alone.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lyceum import corpus, personas
from lyceum.contract import Fixed, UsageError
from lyceum.generation.prompt import Prompt
from lyceum.generation.writer import Writer
from lyceum.personas.spec.names import split
from lyceum.runs import checkpoint
from lyceum.runs.checkpoint import CheckpointError
from lyceum.training import backends
from lyceum.training.request import DEVICES

AT_ONCE = 16  # continuations: a memory brings 20 numbers for each of V ids to each


def writer(prompt: Prompt, fixed: Fixed) -> Writer:
    """The model of prompt.run, ready to write. Raises UserError, one sentence, for a run that cannot be read."""
    _, trainer = trained(prompt.run, fixed, prompt.backend, prompt.device)
    plan = trainer.plan
    return Writer(trainer, plan.fixed.block_size, prompt.sampler(plan.persona.sampler), prompt.seed)


def trained(run: Path, fixed: Fixed, backend: str | None, device: str | None) -> tuple[str, Any]:
    """(backend, its trainer with the state of a run's checkpoint); the text that the run was trained on is not read.

    backend, device: None takes that of the run, and the best there is. Raises UserError, one sentence, as `writer`.
    """
    path = run / checkpoint.FILE_NAME
    if not path.exists():
        raise CheckpointError(f"{run} has no checkpoint: give the folder of a run that has saved one.")
    header, arrays = checkpoint.read(path)
    plan = planned(path, header, arrays, fixed)
    backend = backend or header.get("request", {}).get("backend", "mlx")
    if device is not None and device not in DEVICES[backend]:
        raise UsageError(f"{backend} has no device {device!r}: choose one of {', '.join(DEVICES[backend])}.")
    # The seed of initial values, which the checkpoint's replace.
    trainer = backends.start(backend, backends.load(backend), plan, 0, device)
    restore(path, trainer, arrays)
    return backend, trainer


def written(prompt: Prompt, by: Writer) -> Iterator[str]:
    """The prompt and its continuation, piece by piece as it comes; or several, each under a line that counts them.

    Raises UsageError if the vocabulary cannot be had.
    """
    try:
        vocabulary, ids = corpus.vocabulary(), corpus.encode(prompt.text)
    except corpus.CorpusError as error:
        raise UsageError(str(error)) from error
    if prompt.continuations == 1:
        yield prompt.text
        yield from decoded(by.continued(ids, prompt.tokens), vocabulary)
        yield "\n"
        return
    for first in range(0, prompt.continuations, AT_ONCE):
        ranks = range(first, min(first + AT_ONCE, prompt.continuations))
        steps = list(by.side_by_side(ids, prompt.tokens, ranks))
        for i, rank in enumerate(ranks):
            text = "".join(decoded((int(step[i]) for step in steps), vocabulary))
            yield f"=== {rank + 1} of {prompt.continuations} ===\n{prompt.text}{text}\n"


def planned(path: Path, header: dict, arrays: dict[str, np.ndarray], fixed: Fixed) -> personas.Plan:
    """The plan of a run, from its checkpoint alone. Raises CheckpointError if this program has no such model."""
    tables, _ = split(arrays, "tables")
    try:
        recipe = header.get("request", {}).get("recipe")
        plan = personas.plan(header["persona"], fixed, None, tables, header["model"]["systems"], recipe)
        difference = checkpoint.difference("model", header["model"], json.loads(json.dumps(plan.describe())))
    except (personas.PersonaError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not of a model of this program ({error}): give another run.") from error
    if difference is not None:
        raise CheckpointError(f"{path} is of another version of this program ({difference}): give another run.")
    return plan


def restore(path: Path, trainer, arrays: dict[str, np.ndarray]) -> None:
    """Give the trainer the state of a checkpoint. Raises CheckpointError if it does not fit."""
    try:
        trainer.write(split(arrays, "tables")[1])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not fit its model ({error}): give another run.") from error


def decoded(ids: Iterator[int], vocabulary: tuple[bytes, ...]) -> Iterator[str]:
    """The text of ids as it becomes complete; bytes that are no UTF-8 become U+FFFD, a character is never cut."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for i in ids:
        yield decoder.decode(vocabulary[i])
    yield decoder.decode(b"", final=True)
