"""How the constants of the memory's gate were made, and how they are made anew (`personas.aristotle.memory`).

Cross-fitting. The first 90 % of the training split are cut into four stretches. For each, a model is trained for 1,500
iterations and the counts, the tree and the kinds of novelty are made on the other three, held-out text to both; the
stretch, in blocks, is then judged by them. The gate is fitted on all four together (`calibration.gate_fit`). The last
tenth is not touched: on it the arrangement was chosen. The validation split is never read.

The iterations are fewer than a run's: on three quarters of the text a model is past its best sooner, and the gate
should meet the model as it is on new text. Takes about ten minutes on one core, nearly all of it for the models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import corpus
import personas
from calibration import gate_fit
from corpus import Corpus
from corpus.batches import val_blocks
from personas.aristotle import memory_tables
from personas.aristotle.evidence import FEATURES, PARTS
from training import atomic, wing
from training.contract import Fixed
from training.job import Job

FOLDS, ITERATIONS, PART, SEED = 4, 1500, 0.9, 1337


def refit(fixed: Fixed, backend: str = "torch", path: Path | None = None, iterations: int = ITERATIONS) -> None:
    """Fit the gate anew and write it to `path`, by default over the shipped one. backend: which wing trains."""
    text = corpus.load().train
    samples, kinds = [], memory_tables.kinds(corpus.vocabulary())
    for pieces, held in folds(text[: int(PART * len(text))]):
        trainer = trained(fixed, backend, np.concatenate(pieces), iterations)
        samples.append(judged(trainer, pieces, held, kinds))
    constants = gate_fit.fit(gate_fit.joined(samples))
    made = {"systems": models(), "folds": FOLDS, "iterations": iterations, "part of the split": PART, "seed": SEED}
    write(path or memory_tables.GATE, constants, made | {"steps": gate_fit.STEPS})


def models() -> list[str]:
    """The systems of the models that the gate meets: the persona's default without the memory itself."""
    return list(personas.compose("aristotle", switched_off=["memory"]))


def folds(text: np.ndarray) -> Iterator[tuple[tuple[np.ndarray, ...], np.ndarray]]:
    """(the pieces that a stretch leaves, the stretch) for each of the four stretches of a text (N,)."""
    cuts = np.linspace(0, len(text), FOLDS + 1).astype(int)
    for low, high in zip(cuts[:-1], cuts[1:], strict=True):
        yield tuple(piece for piece in (text[:low], text[high:]) if len(piece)), text[low:high]


def trained(fixed: Fixed, backend: str, text: np.ndarray, iterations: int):
    """A trainer of the persona without its memory, after so many iterations on a text (N,)."""
    plan = personas.plan("aristotle", replace(fixed, max_iters=iterations), text, systems=models())
    job = Job(wing.load(backend)(plan, SEED), plan, Corpus(text, text, "a part of the training split"), fixed, SEED)
    for step in range(iterations):
        job.update(step)
    return job.trainer


def judged(trainer, pieces: tuple[np.ndarray, ...], held: np.ndarray, kinds: np.ndarray) -> gate_fit.Sample:
    """What the trained model and the counts of `pieces` say of a stretch that neither has met.

    kinds: the surface class of every id (V,).
    """
    plan = trainer.plan
    # Counted in pieces, so that no window crosses the place where the stretch was.
    evidence = memory_tables.evidence(plan.parts["vocabulary"], kinds, memory_tables.gate(), *pieces)
    only, found = Corpus(held, held, "a part of the training split"), []
    for ids, targets, weight in val_blocks(only, plan.fixed.batch_size, plan.fixed.block_size):
        own, uncertainty = -trainer.losses(ids, targets), trainer.uncertainty(ids)
        found.append(gate_fit.sample(evidence, ids, targets, weight, own, uncertainty))
    return gate_fit.joined(found)


def write(path: Path, constants: dict[str, np.ndarray], made: dict[str, object]) -> None:
    """Write a gate with what made it, in the fewest digits that give the same float32 back."""

    def digits(x):
        return [digits(y) for y in x] if np.ndim(x) else float(str(x))

    record = {"made by": "python -m calibration", **made, "parts": ["model", *PARTS]}
    record |= {"features": [*FEATURES, "genus entropy", "species entropy", "greatest log p(species)"]}
    record |= {"constants": {name: digits(value) for name, value in constants.items()}}
    atomic.write(path, (json.dumps(record, indent=1) + "\n").encode())
