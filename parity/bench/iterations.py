"""How long does an iteration take, and how does a persona compare with the baseline?

The candidates take turns (`lyceum.bench.alternate`): in each round every one runs the same number of iterations on the
contract's sizes and data, as in training (drawing the batch and the masks, forward, backward, update). Each iteration
ends by reading its loss, which waits for the device.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.bench.alternate import alternate, ratio_interval
from parity.results.records import REFERENCE, Timing

BUDGETS = {"aristotle-torch": 0.15}  # {candidate: the greatest ratio to the reference that the project allows}


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
    candidates = [candidate(*pair) for pair in pairs]
    seconds = alternate({name: iterate for name, iterate, _ in candidates}, rounds, steps)
    timings = []
    for name, _, device in candidates:
        ratio, low, high = ratio_interval(seconds[name], seconds[REFERENCE])
        timings.append(Timing(name, device, float(np.median(seconds[name])), ratio, low, high, BUDGETS.get(name)))
    return timings
