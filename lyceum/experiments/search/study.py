"""The numbered runs of a search as Optuna's trials: created once, claimed by one worker each, replaced if it dies."""

from __future__ import annotations

import time
from collections.abc import Callable

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from lyceum.experiments.search.evidence import ENTRY, Evidence, first_of_each
from lyceum.experiments.search.setup import Setup, match
from lyceum.personas.spec.search import Entry, Rule, Undecided

SETUP, CREATED = "setup", "created"  # attributes of a study
POLL = 0.2  # seconds between two looks at a study that another worker is creating


class ByNumber(optuna.samplers.BaseSampler):
    """The sampler: a trial's configuration follows from its run, and its run from its number."""

    def __init__(self, distributions: dict[str, BaseDistribution], configuration: Callable[[FrozenTrial], dict]):
        self.distributions, self.configuration = distributions, configuration

    def infer_relative_search_space(self, study, trial) -> dict[str, BaseDistribution]:
        return self.distributions

    def sample_relative(self, study, trial, search_space) -> dict:
        return self.configuration(trial)

    def sample_independent(self, study, trial, param_name, param_distribution):
        raise LookupError(f"{param_name} is not searched")


class Race(optuna.pruners.BasePruner):
    """The pruner: a run that earlier results have made superfluous is pruned. rule: the search's."""

    def __init__(self, rule: Rule):
        self.rule = rule

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        evidence = Evidence(study.get_trials(deepcopy=False))
        return self.rule.entry(trial.user_attrs[ENTRY], evidence) is Undecided.UNNEEDED


class Study:
    """The study of a setup in a storage, joined or created. Raises UsageError if it is of another setup."""

    def __init__(self, storage: BaseStorage, name: str, setup: Setup, patience: float):
        self.storage, self.name, self.setup, self.patience = storage, name, setup, patience
        parts = {
            "storage": storage,
            "sampler": ByNumber(setup.space.distributions, lambda trial: dict(self._entry_of(trial).configuration)),
            "pruner": Race(setup.rule),
        }
        try:
            self.optuna = optuna.create_study(study_name=name, **parts)
            self.optuna.set_user_attr(SETUP, setup.record)
            self._create()
        except DuplicatedStudyError:
            self.optuna = optuna.load_study(study_name=name, **parts)
            self._join()
        self._id = storage.get_study_id_from_name(name)

    def _create(self) -> None:
        """Every run that has no trial gets one, in the order of the numbers."""
        self.restore(first_of_each(self.trials()))
        self.optuna.set_user_attr(CREATED, True)

    def _join(self) -> None:
        """Wait until the study is created; if its creator is not heard of any more, complete it."""
        deadline = time.monotonic() + self.patience
        while CREATED not in self.optuna.user_attrs and time.monotonic() < deadline:
            time.sleep(POLL)
        if SETUP in self.optuna.user_attrs:
            match(self.name, self.optuna.user_attrs[SETUP], self.setup.record)
        if CREATED not in self.optuna.user_attrs:
            self.optuna.set_user_attr(SETUP, self.setup.record)
            self._create()

    def trials(self) -> list[FrozenTrial]:
        """The trials of all runs, failed ones included, as they are now."""
        return [trial for trial in self.optuna.get_trials(deepcopy=False) if ENTRY in trial.user_attrs]

    def claim(self, trial: FrozenTrial) -> Trial | None:
        """A waiting trial for this worker alone; None if another was faster."""
        try:
            if self.storage.set_trial_state_values(self._trial_id(trial), TrialState.RUNNING):
                return Trial(self.optuna, self._trial_id(trial))
        except UpdateFinishedTrialError:
            pass
        return None

    def write(self, trial: FrozenTrial | Trial, name: str, value) -> None:
        """Set an attribute of a trial."""
        self.storage.set_trial_user_attr(self._trial_id(trial), name, value)

    def end(self, trial: FrozenTrial | Trial, state: TrialState, value: float | None = None) -> bool:
        """End a trial; False if another worker has ended it before, because this one was not heard of."""
        try:
            values = None if value is None else [value]
            return self.storage.set_trial_state_values(self._trial_id(trial), state, values)
        except UpdateFinishedTrialError:
            return False

    def replace(self, trial: FrozenTrial) -> None:
        """Fail a trial, and put its run to work again."""
        if self.end(trial, TrialState.FAIL):
            self._add(trial.user_attrs[ENTRY])

    def restore(self, there: dict[int, FrozenTrial]) -> None:
        """New trials for runs that have none but failed ones: a worker died before it could replace one."""
        for number in (number for number in range(self.setup.rule.count) if number not in there):
            self._add(number)

    def _add(self, number: int) -> None:
        self.optuna.enqueue_trial({}, user_attrs={ENTRY: number})

    def _trial_id(self, trial: FrozenTrial | Trial) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self._id, trial.number)

    def _entry_of(self, trial: FrozenTrial) -> Entry:
        return self.setup.rule.entry(trial.user_attrs[ENTRY], Evidence(self.trials()))
