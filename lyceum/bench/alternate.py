"""Speeds as ratios, on machines whose speed drifts.

The candidates take turns: in each round every one runs the same number of iterations, and the round's figure is the
median. A ratio is taken within a round, where all meet the same conditions. What is reported is the median over the
rounds, with a bootstrap interval: the 2.5% and 97.5% quantiles of the median of rounds drawn with replacement (Efron
1979).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from lyceum.rng import stream

WARM_UP, RESAMPLES = 3, 10_000


def alternate(
    candidates: dict[str, Callable[[int], object]],
    rounds: int,
    steps: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, np.ndarray]:
    """The median seconds per iteration of each candidate in each round, (rounds,), after a warm-up.

    candidates: name -> a function that runs iteration t to its end. Each round begins with another one.
    """
    names, medians, done = list(candidates), {name: [] for name in candidates}, dict.fromkeys(candidates, WARM_UP)
    for name in names:
        for t in range(WARM_UP):
            candidates[name](t)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            seconds = []
            for _ in range(steps):
                start = clock()
                candidates[name](done[name])
                seconds.append(clock() - start)
                done[name] += 1
            medians[name].append(np.median(seconds))
    return {name: np.array(values) for name, values in medians.items()}


def ratio_interval(seconds: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """(ratio, low, high): the median of the rounds' ratios and its 95% bootstrap interval. Both arguments (rounds,)."""
    ratios = seconds / reference
    resampled = stream(0, "bootstrap").integers(0, len(ratios), size=(RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(ratios[resampled], axis=1), [0.025, 0.975])
    return float(np.median(ratios)), float(low), float(high)
