"""The loop of a worker: look at the study, claim a run that is ready, measure it, write down the result.

Every look begins from the trials as the storage has them, so a worker knows nothing that another could not see, and
nothing is lost with it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from lyceum.experiments.search.evidence import ENTRY, Evidence, first_of_each, mean, summed
from lyceum.experiments.search.presence import WORKER, Watch, at_work
from lyceum.experiments.search.study import Study
from lyceum.personas.spec.search import Entry, Undecided

LOG = logging.getLogger(__name__)
PATIENCE = 120.0  # seconds without a sign of life, after which a worker has lost its run
POLL = 1.0  # seconds between two looks, where there is nothing to do
Measure = Callable[[Entry], np.ndarray | None]  # a run -> its losses (K, T), None if it has diverged


def work(study: Study, measure: Measure, poll: float = POLL) -> Evidence:
    """Work on a study until it is finished; all of its results. Raises what `measure` raises, its run given back."""
    watch = Watch(study.patience)
    while True:
        trials = study.trials()
        counting = first_of_each(trials)
        _clear(study, trials, counting, watch)
        if all(number in counting and counting[number].state.is_finished() for number in range(study.setup.rule.count)):
            return Evidence(trials)
        if not _work_on_one(study, counting, Evidence(trials), measure):
            time.sleep(poll)


def _clear(study: Study, trials: list[FrozenTrial], counting: dict[int, FrozenTrial], watch: Watch) -> None:
    """Replace deserted trials, add trials to runs that have none, fail those that another trial of the run precedes."""
    for trial in trials:
        if trial.state == TrialState.RUNNING and watch.deserted(trial):
            LOG.info("Run %d has lost its worker and will run again.", trial.user_attrs[ENTRY])
            study.replace(trial)
        elif trial.state == TrialState.WAITING and counting[trial.user_attrs[ENTRY]].number != trial.number:
            study.end(trial, TrialState.FAIL)
    study.restore(counting)


def _work_on_one(study: Study, counting: dict[int, FrozenTrial], evidence: Evidence, measure: Measure) -> bool:
    """Measure the first run that is ready, or prune it if it is not needed any more; False if there is none."""
    for number in sorted(counting):
        if counting[number].state != TrialState.WAITING:
            continue
        entry = study.setup.rule.entry(number, evidence)
        if entry is Undecided.WAITING or (claimed := study.claim(counting[number])) is None:
            continue
        if claimed.should_prune():
            study.end(claimed, TrialState.PRUNED)
        else:
            _measure(study, claimed, number, entry, measure)
        return True
    return False


def _measure(study: Study, trial: Trial, number: int, entry: Entry, measure: Measure) -> None:
    try:
        with at_work(lambda who: study.write(trial, WORKER, who), study.patience):
            study.setup.space.suggest(trial)
            losses = measure(entry)
            attributes = {} if losses is None else summed(losses)
            for name, value in attributes.items():
                study.write(trial, name, value)
    except UpdateFinishedTrialError:
        LOG.warning("Run %d was given to another worker, which had not heard of this one for long.", number)
        return
    except BaseException:
        study.end(trial, TrialState.FAIL)  # another worker may take it at once
        raise
    loss = mean(attributes)
    study.end(trial, TrialState.COMPLETE, loss)
    what = (entry.candidate, entry.seed, entry.steps, loss)
    LOG.info("Run %d: candidate %d on seed %d after %d iterations, loss %.4f.", number, *what)
