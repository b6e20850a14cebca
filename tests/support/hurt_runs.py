"""A run that is hurt while it trains: four faults, what a watch must report of them, and the training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.training.job import Job
from parity.project.tiny_models import tiny_corpus

State = dict[str, np.ndarray]


def faults(up: str, qkv: str, out: str, flipped: str) -> dict[int, Callable[[State], None]]:
    """{iteration: what hurts a state before it}, each another matrix, by name."""

    def nan(state):
        state[f"model.{up}"][3] = np.nan

    def explode(state):
        state[f"model.{qkv}"] *= 100

    def zero(state):
        state[f"model.{out}"][4:9] = 0

    def flip(state):
        state[f"model.{flipped}"][5:7] *= -1

    return {12: nan, 16: explode, 21: zero, 26: flip}


def report(up: str, qkv: str, out: str, flipped: str) -> list[tuple]:
    """(iteration, matrix, rows, sort) of each fault, in the order in which a watch detects them."""
    return [
        (12, up, (3,), "not numbers"),
        (17, qkv, tuple(range(48)), "exploded"),
        (21, out, (4, 5, 6, 7, 8), "dead"),
        (27, flipped, (5, 6), "flipped"),
    ]


def run(trainer, plan, steps: range, hurt: dict[int, Callable[[State], None]] | None = None) -> list[tuple]:
    """Train, with faults before these iterations; what the watch has reported."""
    job, reported = Job(trainer, plan, tiny_corpus(), plan.fixed, 0), []
    for step in steps:
        if step in (hurt or {}):
            state = trainer.read()
            hurt[step](state)
            trainer.write(state)
        assert np.isfinite(float(job.update(step)))
        if trainer.watch is not None:
            reported += [(d.step, d.name, d.rows, d.sort) for d in trainer.watch.take_damages()]
    return reported
