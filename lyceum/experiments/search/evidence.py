"""The results so far, as a rule reads them: the losses of every measured run, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from lyceum.training.evaluation import ratio

ENTRY, LOSSES, SIZES = "entry", "losses", "sizes"  # attributes of a trial
EXACT = 6  # digits behind the point of a block's loss


def summed(losses: np.ndarray) -> dict[str, list]:
    """The losses of a run, (K, T), nan in filling positions, as attributes: the sum and the targets of each block."""
    counted = np.isfinite(losses)
    sums = np.where(counted, losses, 0).sum(axis=1, dtype=np.float64)
    return {LOSSES: np.round(sums, EXACT).tolist(), SIZES: counted.sum(axis=1).tolist()}


def mean(attributes: Mapping) -> float:
    """The loss of a measured run, nats per token, from its attributes; inf for one that has diverged."""
    if LOSSES not in attributes:
        return inf
    return _ratio(np.array(attributes[LOSSES]), np.array(attributes[SIZES]))[0]


def first_of_each(trials: Iterable[FrozenTrial]) -> dict[int, FrozenTrial]:
    """{run's number: the trial that counts}: the first of those that have not failed."""
    counting: dict[int, FrozenTrial] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        if ENTRY in trial.user_attrs and trial.state != TrialState.FAIL:
            counting.setdefault(trial.user_attrs[ENTRY], trial)
    return counting


class Evidence:
    """The finished trials of a study, by the number of their run; see `lyceum.personas.spec.search`."""

    def __init__(self, trials: Iterable[FrozenTrial]):
        counting = first_of_each(trials)
        self.trials = {number: one for number, one in counting.items() if one.state == TrialState.COMPLETE}
        self._known: dict[tuple, tuple[float, float]] = {}

    def finished(self, number: int) -> bool:
        return number in self.trials

    def difference(self, ones: Sequence[int], others: Sequence[int]) -> tuple[float, float]:
        key = (*ones, *others)
        if key not in self._known:
            self._known[key] = self._difference(ones, others)
        return self._known[key]

    def _difference(self, ones: Sequence[int], others: Sequence[int]) -> tuple[float, float]:
        diverged = [any(LOSSES not in self.trials[n].user_attrs for n in side) for side in (ones, others)]
        if any(diverged):
            return {(True, True): 0.0, (True, False): -inf, (False, True): inf}[tuple(diverged)], 0.0
        sizes = np.array(self.trials[ones[0]].user_attrs[SIZES])
        one, other = (np.mean([self.trials[n].user_attrs[LOSSES] for n in side], axis=0) for side in (ones, others))
        return _ratio(other - one, sizes)


def _ratio(sums: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    return ratio(sums[:, None], sizes[:, None])
