"""Text from a checkpoint.

    checkpoint -> plan -> trainer -> next id, from the last block_size ids -> its bytes -> text, as it comes

Several continuations of one prompt are written abreast, AT_ONCE at a time; each is what it would be alone.

While no more than block_size ids are there, each is read once, and what later ones need of it is kept
(`lyceum.personas.properties.sequences`). After that the window slides, and is read anew for every token: the model was trained on
blocks that begin at place 0, and what is kept of an id has seen ids that have left the window since.

The variates of token number t are addressed by (seed, "sample", t), so the same seed gives the same text in both backends
wherever no choice hangs on the last digits of a logit; how many do is counted (`lyceum.personas.model.sampling_margin`) and said.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lyceum import corpus, personas
from lyceum.contract import Fixed, UsageError
from lyceum.generation.prompt import Prompt
from lyceum.personas.spec.names import parted
from lyceum.runs import checkpoint
from lyceum.runs.checkpoint import CheckpointError
from lyceum.training import backends
from lyceum.training.request import DEVICES

AT_ONCE = 16  # continuations: a memory brings 20 numbers for each of V ids to each
NEAR = 2e-5  # nats: the backends' log probabilities of trained runs part by 6e-6 at most, in float32


class Writer:
    """A model that continues ids. trainer: a backend's, with the parameters. block_size: how many ids it sees.

    draws: what was drawn so far, one row a token, as in `Sampler.draw`. near: how many choices were within NEAR of
    another. texts: the continuations so far, as bytes of their ids.
    """

    def __init__(self, trainer, block_size: int, sampler, seed: int):
        self.trainer, self.block_size, self.sampler, self.seed = trainer, block_size, sampler, seed
        self.draws: list[np.ndarray] = []
        self.near = 0
        self.texts: list[bytes] = []

    def continued(self, ids: np.ndarray, count: int) -> Iterator[int]:
        """The `count` ids that follow ids (N,), N >= 1, one after another. Raises CheckpointError for NaN."""
        yield from (int(said[0]) for said in self.abreast(ids, count, range(1)))

    def abreast(self, ids: np.ndarray, count: int, ranks: Sequence[int]) -> Iterator[np.ndarray]:
        """The same for the continuations of these ranks, counted from 0, side by side: `count` arrays (n,) of ids."""
        n, said = len(ranks), []
        context = np.tile(np.asarray(ids, np.int32)[-self.block_size :], (n, 1))
        variates = self.sampler.variates(self.seed, np.array(ranks))
        cache, known = self.trainer.start(n), 0
        for step in range(count):
            length = context.shape[1]
            if length <= self.block_size:
                cache, log_probs = self.trainer.go_on(cache, context, length - known)
                known = length
            else:
                context = context[:, -self.block_size :]
                log_probs = self.trainer.log_probs(context, np.full(n, self.block_size - 1, np.int32))
            if not np.isfinite(log_probs.max(axis=1)).all():
                raise CheckpointError("the model of this checkpoint answers NaN: it has diverged, give another --run.")
            found = self.trainer.draw(self.sampler, log_probs, *variates.advance(step))
            self.near += sum(variates.clearance(i, row) < NEAR for i, row in enumerate(log_probs.astype(np.float64)))
            variates.follow(found)
            self.draws.extend(found)
            said.append(found[:, 0].astype(np.int32))
            context = np.concatenate([context, said[-1][:, None]], axis=1)
            yield said[-1]
        self.texts += [text.tobytes() for text in np.array(said).T]

    def summary(self) -> str:
        """What was written, in one line."""
        if not self.draws:
            return "0 tokens"
        many = len(self.texts)
        count = f"{many} continuations, {len(set(self.texts))} of them distinct; " if many > 1 else ""
        own = self.sampler.summary(np.array(self.draws))
        return f"{count}{len(self.draws)} tokens; {own}; {self.near} choices within {NEAR:g} nats of another"


def run(prompt: Prompt, fixed: Fixed) -> None:
    """Write the prompt and its continuation to standard output, and one line about it to standard error.

    Raises UserError, one sentence: CheckpointError for a run that cannot be read.
    """
    path = Path(prompt.run) / checkpoint.FILE_NAME
    if not path.exists():
        raise CheckpointError(f"{prompt.run} holds no checkpoint: give --run the folder of a run that has saved one.")
    header, arrays = checkpoint.read(path)
    plan = planned(path, header, arrays, fixed)
    backend = prompt.backend or header.get("request", {}).get("backend", "mlx")
    if prompt.device is not None and prompt.device not in DEVICES[backend]:
        raise UsageError(f"{backend} has no device {prompt.device!r}: choose one of {', '.join(DEVICES[backend])}.")
    trainer = backends.start(backend, backends.load(backend), plan, prompt.seed, prompt.device)
    restore(path, trainer, arrays)
    try:
        vocabulary, ids = corpus.vocabulary(), corpus.encode(prompt.text)
    except corpus.CorpusError as error:
        raise UsageError(str(error)) from error
    writer = Writer(trainer, plan.fixed.block_size, prompt.sampler(plan.persona.sampler), prompt.seed)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the terminal's is
    try:
        for piece in pieces(writer, prompt, ids, vocabulary):
            print(piece, end="", flush=True)
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(writer.summary(), file=sys.stderr)


def pieces(writer: Writer, prompt: Prompt, ids: np.ndarray, vocabulary: tuple[bytes, ...]) -> Iterator[str]:
    """What is printed, as it comes: the text; or several, each under a line that counts them."""
    if prompt.continuations == 1:
        yield prompt.text
        yield from decoded(writer.continued(ids, prompt.tokens), vocabulary)
        yield "\n"
        return
    for first in range(0, prompt.continuations, AT_ONCE):
        ranks = range(first, min(first + AT_ONCE, prompt.continuations))
        said = list(writer.abreast(ids, prompt.tokens, ranks))
        for i, rank in enumerate(ranks):
            text = "".join(decoded((int(step[i]) for step in said), vocabulary))
            yield f"=== {rank + 1} of {prompt.continuations} ===\n{prompt.text}{text}\n"


def planned(path: Path, header: dict, arrays: dict[str, np.ndarray], fixed: Fixed) -> personas.Plan:
    """The plan of a run, from its checkpoint alone. Raises CheckpointError if this program has no such model."""
    tables, _ = parted(arrays, "tables")
    try:
        plan = personas.plan(header["persona"], fixed, None, tables, header["model"]["systems"])
        different = checkpoint.difference("model", header["model"], json.loads(json.dumps(plan.describe())))
    except (personas.PersonaError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not of a model of this program ({error}): give another --run.") from error
    if different:
        raise CheckpointError(f"{path} is of another version of this program ({different}): give another --run.")
    return plan


def restore(path: Path, trainer, arrays: dict[str, np.ndarray]) -> None:
    """Give the trainer the state of a checkpoint. Raises CheckpointError if it does not fit."""
    try:
        trainer.write(parted(arrays, "tables")[1])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not fit its model ({error}): give another --run.") from error


def decoded(ids: Iterator[int], vocabulary: tuple[bytes, ...]) -> Iterator[str]:
    """The text of ids as it becomes whole; bytes that are no UTF-8 become U+FFFD, a character is never cut."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for i in ids:
        yield decoder.decode(vocabulary[i])
    yield decoder.decode(b"", final=True)
