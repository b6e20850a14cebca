"""How long does an iteration take, and how does a persona compare with the baseline?

Contestants take turns: in each round every one runs the same number of training iterations on the contract's sizes and
data, as in training (drawing the batch and the masks, forward, backward, update), each ended by reading its loss, which
waits for the device. The round's figure is the median. Machines drift (heat, other processes), so ratios are taken
within a round, where both met the same weather, and their median over rounds is reported with a bootstrap interval: the
2.5% and 97.5% points of the median of rounds drawn with replacement (Efron 1979).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from corpus.chance import stream

REFERENCE, PROMISED = "baseline-torch", {"aristotle-torch": 0.15}
WARM_UP, RESAMPLES = 3, 10_000


@dataclass(frozen=True)
class Timing:
    """A contestant's result. seconds: median time per iteration. ratio, low, high: to the reference, 95% interval."""

    name: str
    device: str
    seconds: float
    ratio: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether the ratio is within what the project promises of this contestant, if it promises anything."""
        return self.ratio <= PROMISED.get(self.name, np.inf)


def race(
    contestants: dict[str, Callable[[int], object]],
    rounds: int,
    steps: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, np.ndarray]:
    """The median seconds per iteration of each contestant in each round, (rounds,), after a warm-up.

    contestants: name -> a function that runs iteration t to its end. They go in turn, another one first each round.
    """
    names, medians, done = list(contestants), {name: [] for name in contestants}, dict.fromkeys(contestants, WARM_UP)
    for name in names:
        for t in range(WARM_UP):
            contestants[name](t)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            seconds = []
            for _ in range(steps):
                start = clock()
                contestants[name](done[name])
                seconds.append(clock() - start)
                done[name] += 1
            medians[name].append(np.median(seconds))
    return {name: np.array(values) for name, values in medians.items()}


def compared(seconds: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """(ratio, low, high): the median of the rounds' ratios and its 95% bootstrap interval."""
    ratios = seconds / reference
    drawn = stream(0, "bootstrap").integers(0, len(ratios), size=(RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(ratios[drawn], axis=1), [0.025, 0.975])
    return float(np.median(ratios)), float(low), float(high)


def contestant(persona: str, wing: str) -> tuple[str, Callable[[int], np.ndarray], str]:
    """(name, what runs iteration t of the contract, device) of a persona in a wing."""
    import corpus
    import personas
    from parity import trainers
    from train_mps import FIXED

    text = corpus.load()
    plan = personas.plan(persona, FIXED, text.train)
    trainer = trainers.WINGS[wing](plan, 0)

    def iterate(t: int) -> np.ndarray:
        return trainers.run(trainer, plan, text, range(t, t + 1))

    return f"{persona}-{wing}", iterate, trainer.device


def run(pairs: list[tuple[str, str]], rounds: int, steps: int) -> list[Timing]:
    """The timings of (persona, wing) pairs; the baseline in PyTorch, the reference, must be among them."""
    entries = [contestant(*pair) for pair in pairs]
    seconds = race({name: iterate for name, iterate, _ in entries}, rounds, steps)
    return [
        Timing(name, device, float(np.median(seconds[name])), *compared(seconds[name], seconds[REFERENCE]))
        for name, _, device in entries
    ]
