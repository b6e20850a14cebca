"""How long does an iteration take, and how does a persona compare with the baseline?

Contestants take turns (`lyceum.bench.race`): in each round every one runs the same number of training iterations on the
contract's sizes and data, as in training (drawing the batch and the masks, forward, backward, update), each ended by
reading its loss, which waits for the device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lyceum.bench.race import compared, race

REFERENCE, PROMISED = "baseline-torch", {"aristotle-torch": 0.15}


@dataclass(frozen=True)
class Timing:
    """A candidate's result. seconds: median time per iteration. ratio, low, high: to the reference, 95% interval."""

    name: str
    device: str
    seconds: float
    ratio: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether the ratio is within what the project promises of this candidate, if it promises anything."""
        return self.ratio <= PROMISED.get(self.name, np.inf)


def candidate(persona: str, backend: str) -> tuple[str, Callable[[int], np.ndarray], str]:
    """(name, what runs iteration t of the contract, device) of a persona in a backend."""
    from lyceum import corpus, personas
    from parity.project import trainers
    from train_mps import FIXED

    text = corpus.load()
    plan = personas.plan(persona, FIXED, text.train)
    trainer = trainers.BACKENDS[backend](plan, 0)

    def iterate(t: int) -> np.ndarray:
        return trainers.run(trainer, plan, text, range(t, t + 1))

    return f"{persona}-{backend}", iterate, trainer.device


def run(pairs: list[tuple[str, str]], rounds: int, steps: int) -> list[Timing]:
    """The timings of (persona, backend) pairs; the baseline in PyTorch, the reference, must be among them."""
    entries = [candidate(*pair) for pair in pairs]
    seconds = race({name: iterate for name, iterate, _ in entries}, rounds, steps)
    return [
        Timing(name, device, float(np.median(seconds[name])), *compared(seconds[name], seconds[REFERENCE]))
        for name, _, device in entries
    ]
