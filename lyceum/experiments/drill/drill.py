"""The runs of a drill, and what they show."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

import train_mps
from lyceum import corpus, personas
from lyceum.bench.alternate import alternate, ratio_interval
from lyceum.contract import Fixed, UsageError
from lyceum.corpus.batches import val_blocks
from lyceum.experiments.drill import faults
from lyceum.experiments.drill.faults import Fault
from lyceum.personas.spec.system import changes, find
from lyceum.training import backends
from lyceum.training.evaluation import paired, ratio, split_losses
from lyceum.training.job import Job

LOG = logging.getLogger(__name__)
GOAL = 0.02  # nats per token
SYSTEM = "repair"


@dataclass
class Outcome:
    """One run. losses: (K, T), of every validation token, nan in filling positions; None if it stopped at `stopped`.

    detected: what the watch reported. state: the trainer's at the end.
    """

    name: str
    faults: Sequence[Fault]
    losses: np.ndarray | None = None
    stopped: int | None = None
    detected: list[str] = field(default_factory=list)
    state: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def full_vloss(self) -> float | None:
        """Nats per token."""
        return None if self.losses is None else ratio(self.losses, np.isfinite(self.losses))[0]


@dataclass(frozen=True)
class Report:
    """outcomes: the unhurt run first. same: whether repair left the unhurt run as it was. time: (ratio, low, high)."""

    outcomes: list[Outcome]
    same: bool
    time: tuple[float, float, float]

    def difference(self, outcome: Outcome) -> tuple[float, float]:
        """How much more an outcome loses than the unhurt run, and the paired error of that, nats per token."""
        return paired(self.outcomes[0].losses, outcome.losses)


def drill(
    persona: str,
    backend: str,
    seed: int,
    steps: int,
    rounds: int,
    text: corpus.Corpus | None = None,
    fixed: Fixed = train_mps.FIXED,
) -> Report:
    """Train all runs. rounds: in which the costs are measured in turns.

    Raises UsageError for a persona that is unknown or has no repair.
    """
    compositions = with_and_without(persona)
    text = corpus.load() if text is None else text
    plans = [personas.plan(persona, fixed, text.train, systems=names) for names in compositions]
    return drilled(plans, backend, seed, steps, rounds, text)


def with_and_without(persona: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The persona's default without repair, and with it."""
    try:
        record = personas.find(persona)
        find(record, SYSTEM)
    except personas.PersonaError as error:
        raise UsageError(str(error)) from error
    with_it = changes(record)[SYSTEM] if SYSTEM not in record.default else record.default
    return tuple(name for name in with_it if name != SYSTEM), with_it


def drilled(
    plans: Sequence[personas.Plan], backend: str, seed: int, steps: int, rounds: int, text: corpus.Corpus
) -> Report:
    """The same for two plans, without repair and with it."""
    every = faults.draw(plans[0], seed, steps)
    finite = [fault for fault in every if fault.sort != "nan"]
    runs = (
        ("unhurt", 0, []),
        ("unhurt, repair", 1, []),
        ("hurt, repair", 1, every),
        ("hurt", 0, every),
        ("hurt, but for nan", 0, finite),
    )
    outcomes = [trained(Outcome(name, hit), plans[i], backend, seed, steps, text) for name, i, hit in runs]
    first, second = outcomes[0].state, outcomes[1].state
    same = all(first[name].tobytes() == second[name].tobytes() for name in first)
    return Report(outcomes, same, times(plans, backend, rounds, text))


def trained(outcome: Outcome, plan: personas.Plan, backend: str, seed: int, steps: int, text: corpus.Corpus) -> Outcome:
    """The outcome of a run, complete."""
    job = Job(backends.load(backend)(plan, seed), plan, text, plan.fixed, seed)
    for step in range(steps):
        for fault in outcome.faults:
            if fault.step == step:
                LOG.info("%s: %s", outcome.name, fault)
                fault.strike(job.trainer)
        loss = float(job.update(step))
        outcome.detected += job.damages()
        if not isfinite(loss):
            LOG.info("%s: the loss is no number at iteration %d", outcome.name, step)
            return replace(outcome, stopped=step)
    losses, weights = split_losses(job.trainer, val_blocks(text, plan.fixed.batch_size, plan.fixed.block_size))
    outcome = replace(outcome, losses=np.where(weights > 0, losses, np.nan), state=job.trainer.read())
    LOG.info("%s: full_vloss %.4f", outcome.name, outcome.full_vloss)
    return outcome


def times(plans: Sequence[personas.Plan], backend: str, rounds: int, text: corpus.Corpus) -> tuple[float, float, float]:
    """(ratio, low, high): time per iteration with repair as a multiple of that without, with its 95% interval."""
    period = plans[1].modules[SYSTEM].period
    jobs = [Job(backends.load(backend)(plan, 0), plan, text, plan.fixed, 0) for plan in plans]

    def iterate(job: Job, t: int) -> None:
        for step in range(period * t, period * (t + 1)):
            float(job.update(step))

    seconds = alternate({str(i): lambda t, job=job: iterate(job, t) for i, job in enumerate(jobs)}, rounds, 1)
    return ratio_interval(seconds["1"], seconds["0"])
