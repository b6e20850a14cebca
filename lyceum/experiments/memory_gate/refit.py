"""How the constants of a memory's gate were made, and how they are made again (`lyceum.personas.memory.mixture`).

Cross-fitting. The first 90 % of the training split are cut into four stretches. For each, a model is trained for 1,500
iterations, and the counts, the tree and the classes of novelty are made, on the other three. So the stretch, in blocks,
is new text to the model and to the counts. The gate is fitted on all four together (`fit`). The last tenth is not
touched: on it the arrangement was chosen. The validation split is never read.

The iterations are fewer than a run's: on three quarters of the text a model is past its best sooner, and the gate
should meet the model as it is on new text. Takes about ten minutes on one core, nearly all of it for the models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from lyceum import corpus, personas
from lyceum.contract import Fixed, UsageError
from lyceum.corpus import Corpus
from lyceum.corpus.batches import val_blocks
from lyceum.experiments.memory_gate import fit
from lyceum.personas.memory.evidence import Evidence
from lyceum.runs import files
from lyceum.training import backends
from lyceum.training.job import Job

FOLDS, ITERATIONS, PART, SEED = 4, 1500, 0.9, 1337


def refit(
    persona: str, fixed: Fixed, backend: str = "torch", path: Path | None = None, iterations: int = ITERATIONS
) -> None:
    """Fit a persona's gate again and write it to `path`, by default over the shipped one.

    backend: which backend trains the four models. iterations: of each. Raises UsageError for a persona without memory.
    """
    memory, text, vocabulary = memory_tables(persona), corpus.load().train, corpus.vocabulary()
    samples = []
    for pieces, stretch in folds(text[: int(PART * len(text))]):
        rest = np.concatenate(pieces)
        trainer = trained(persona, fixed, backend, rest, iterations)
        # Counted in pieces, so that no window crosses the gap that the stretch leaves.
        evidence = memory.evidence(trainer.plan.modules["vocabulary"], memory.tables(rest, vocabulary), *pieces)
        samples.append(stretch_sample(trainer, evidence, stretch))
    constants = fit.fit(memory.Evidence, fit.joined(samples))
    record = {"systems": models(persona), "folds": FOLDS, "iterations": iterations, "part of the split": PART}
    record |= {"seed": SEED, "steps": fit.STEPS, "parts": ["model", *memory.Evidence.parts()]}
    record |= {"features": [*memory.Evidence.FEATURES, *(f"of the model: {name}" for name in memory.UNCERTAINTY)]}
    write(path or memory.GATE, constants, record)


def memory_tables(persona: str) -> ModuleType:
    """The module that makes the tables of a persona's memory. Raises UsageError if it has no memory."""
    memories = {
        name: system.memory
        for name, known in personas.PERSONAS.items()
        for system in known.systems
        if system.memory is not None
    }
    if persona not in memories:
        raise UsageError(f"the persona {persona!r} has no memory: choose {' or '.join(memories)}.")
    return memories[persona]


def models(persona: str) -> list[str]:
    """The systems of the models that the gate is fitted with: the persona's default without the memory itself."""
    return list(personas.compose(persona, switched_off=["memory"]))


def folds(text: np.ndarray) -> Iterator[tuple[tuple[np.ndarray, ...], np.ndarray]]:
    """(the pieces that a stretch leaves, the stretch) for each of the four stretches of a text (N,)."""
    cuts = np.linspace(0, len(text), FOLDS + 1).astype(int)
    for low, high in zip(cuts[:-1], cuts[1:], strict=True):
        yield tuple(piece for piece in (text[:low], text[high:]) if len(piece)), text[low:high]


def trained(persona: str, fixed: Fixed, backend: str, text: np.ndarray, iterations: int):
    """A trainer of the persona without its memory, after so many iterations on a text (N,)."""
    plan = personas.plan(persona, replace(fixed, max_iters=iterations), text, systems=models(persona))
    job = Job(backends.load(backend)(plan, SEED), plan, Corpus(text, text, "a part of the training split"), fixed, SEED)
    for step in range(iterations):
        job.update(step)
    return job.trainer


def stretch_sample(trainer, evidence: Evidence, stretch: np.ndarray) -> fit.Sample:
    """What a trained model and the evidence give for a stretch (N,) that is new text to both."""
    fixed, samples = trainer.plan.fixed, []
    text = Corpus(stretch, stretch, "a part of the training split")
    for ids, targets, weight in val_blocks(text, fixed.batch_size, fixed.block_size):
        log_prob, uncertainty = -trainer.losses(ids, targets), trainer.uncertainty(ids)
        samples.append(fit.sample(evidence, ids, targets, weight, log_prob, uncertainty))
    return fit.joined(samples)


def write(path: Path, constants: dict[str, np.ndarray], origin: dict[str, object]) -> None:
    """Write a gate and the record of its origin, in the fewest digits that give the same float32 back."""

    def digits(x):
        return [digits(y) for y in x] if np.ndim(x) else float(str(x))

    record = {"made by": "lyceum memory-gate", **origin}
    record |= {"constants": {name: digits(value) for name, value in constants.items()}}
    files.write(path, (json.dumps(record, indent=1) + "\n").encode())
