"""How the constants of a memory's gate were made, and how they are made anew (`lyceum.personas.memory.mixture`).

Cross-fitting. The first 90 % of the training split are cut into four stretches. For each, a model is trained for 1,500
iterations and the counts, the tree and the kinds of novelty are made on the other three, held-out text to both; the
stretch, in blocks, is then judged by them. The gate is fitted on all four together (`lyceum.experiments.memory_gate.fit`). The last
tenth is not touched: on it the arrangement was chosen. The validation split is never read.

The iterations are fewer than a run's: on three quarters of the text a model is past its best sooner, and the gate
should meet the model as it is on new text. Takes about ten minutes on one core, nearly all of it for the models.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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
    """Fit a persona's gate anew and write it to `path`, by default over the shipped one. backend: which backend trains."""
    text, vocabulary, own = corpus.load().train, corpus.vocabulary(), memory_tables(persona)
    samples = []
    for pieces, held in folds(text[: int(PART * len(text))]):
        met = np.concatenate(pieces)
        trainer = trained(persona, fixed, backend, met, iterations)
        # Counted in pieces, so that no window crosses the place where the stretch was.
        evidence = own.evidence(trainer.plan.modules["vocabulary"], own.tables(met, vocabulary), *pieces)
        samples.append(judged(trainer, evidence, held))
    constants = fit.fit(own.Evidence, fit.joined(samples))
    made = {"systems": models(persona), "folds": FOLDS, "iterations": iterations, "part of the split": PART}
    record = made | {"seed": SEED, "steps": fit.STEPS, "parts": ["model", *own.Evidence.parts()]}
    record |= {"features": [*own.Evidence.FEATURES, *(f"of the model: {name}" for name in own.UNCERTAINTY)]}
    write(path or own.GATE, constants, record)


def memory_tables(persona: str):
    """The module `memory_tables` of a persona. Raises UsageError if it has no memory."""
    name = f"lyceum.personas.{persona}.memory.tables"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UsageError(f"the persona {persona!r} has no memory: choose aristotle or euclid.") from error


def models(persona: str) -> list[str]:
    """The systems of the models that the gate meets: the persona's default without the memory itself."""
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


def judged(trainer, evidence: Evidence, held: np.ndarray) -> fit.Sample:
    """What a trained model and the evidence say of a stretch (N,) that neither has met."""
    fixed, found = trainer.plan.fixed, []
    only = Corpus(held, held, "a part of the training split")
    for ids, targets, weight in val_blocks(only, fixed.batch_size, fixed.block_size):
        own, uncertainty = -trainer.losses(ids, targets), trainer.uncertainty(ids)
        found.append(fit.sample(evidence, ids, targets, weight, own, uncertainty))
    return fit.joined(found)


def write(path: Path, constants: dict[str, np.ndarray], made: dict[str, object]) -> None:
    """Write a gate with what made it, in the fewest digits that give the same float32 back."""

    def digits(x):
        return [digits(y) for y in x] if np.ndim(x) else float(str(x))

    record = {"made by": "python -m calibration", **made}
    record |= {"constants": {name: digits(value) for name, value in constants.items()}}
    files.write(path, (json.dumps(record, indent=1) + "\n").encode())
