"""Workers: one or four, killed or not, give the same trials; wrong studies are refused."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from lyceum.contract import UsageError
from lyceum.experiments.search.evidence import ENTRY, Evidence
from lyceum.experiments.search.outcome import outcome
from lyceum.experiments.search.presence import WORKER, Watch, this_machine
from lyceum.experiments.search.storage import open_storage
from lyceum.experiments.search.study import Study
from lyceum.experiments.search.work import work
from tests.support import search_worker
from tests.support.search_worker import example, losses, results, worker

PROGRAM = Path(search_worker.__file__)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Evidence:
    """What one worker finds."""
    return worker(tmp_path_factory.mktemp("alone"))


def start(folder: Path, seconds: float, url: str = "") -> subprocess.Popen:
    return subprocess.Popen([sys.executable, str(PROGRAM), str(folder), url, str(seconds)])


def begun(folder: Path) -> list[list[str]]:
    """[run, process] of every run that has begun, in order."""
    path = folder / "begun"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def kill_at_work(processes: list[subprocess.Popen], folder: Path, already: int) -> None:
    """Kill -9 the worker that begins the next run after so many, while it lasts."""
    already = max(already, len(begun(folder)))
    while len(begun(folder)) <= already:
        time.sleep(0.01)
    number = begun(folder)[-1][1]
    (victim,) = [process for process in processes if str(process.pid) == number]
    victim.kill()
    victim.wait()
    processes.remove(victim)


def four_of_which_two_are_killed(folder: Path, url: str = "") -> int:
    """Run four workers, kill two of them at work, and wait for the others; how many runs began again."""
    folder.mkdir(exist_ok=True)
    processes = [start(folder, 0.6, url) for _ in range(4)]
    try:
        for already in (2, 7):
            kill_at_work(processes, folder, already)
        assert [process.wait(timeout=240) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    runs = [run for run, _ in begun(folder)]
    return len(runs) - len({*runs})


def test_one_worker_finds_the_best(alone):
    setup = example()
    best = outcome(setup, alone).best
    assert best == setup.rule.best(alone)
    rates = [each["peak_lr"] for each in setup.rule.theses]
    assert rates[best] < 3.5e-3 and min(rates) < rates[best], "neither what diverges nor what is slow"


def test_four_workers_two_of_them_killed_find_the_same(alone, tmp_path):
    again = four_of_which_two_are_killed(tmp_path / "four")
    study = Study(open_storage(None, tmp_path / "four"), "example", example(), 1.0)
    trials = study.trials()
    assert results(Evidence(trials)) == results(alone)
    assert again == 2, "what was cut short ran again, and nothing else did"
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert sum(WORKER in trial.user_attrs for trial in failed) == 2, "others, if any, were replaced twice and never ran"
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}


def test_the_number_of_a_trial_is_that_of_its_run(alone):
    assert all(trial.number == number for number, trial in alone.trials.items())


def test_a_stopped_search_goes_on(alone, tmp_path):
    measured = []

    def stopping(entry):
        measured.append(entry)
        if len(measured) == 5:
            raise KeyboardInterrupt
        return losses(entry)

    with pytest.raises(KeyboardInterrupt):
        work(Study(open_storage(None, tmp_path), "example", example(), 30.0), stopping)
    evidence = work(Study(open_storage(None, tmp_path), "example", example(), 30.0), losses)
    assert results(evidence) == results(alone)


def test_a_finished_study_is_only_read(alone, tmp_path):
    worker(tmp_path)
    evidence = work(Study(open_storage(None, tmp_path), "example", example(), 30.0), None)
    assert results(evidence) == results(alone)


def test_what_is_spent_and_what_is_saved(alone):
    result = outcome(example(), alone)
    assert 0 < result.spent < result.allotted <= 2400, "two seeds: some disputes end after the first"
    once = outcome(example(seeds=(1,)), run_in_memory(example(seeds=(1,))))
    assert once.spent == once.allotted, "one seed: exactly"


def run_in_memory(setup) -> Evidence:
    return work(Study(optuna.storages.InMemoryStorage(), "example", setup, 30.0), losses)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (dict(space="peak_lr=1e-3:2e-3"), "its space.peak_lr is FloatDistribution"),
        (dict(candidates=4), "its rule.theses is"),
        (dict(budget=2500), "its budget is 2400, not 2500"),
        (dict(seeds=(1, 3)), r"its seeds\[1\] is 2, not 3"),
    ],
)
def test_a_study_of_another_search_is_refused(tmp_path, other, words):
    Study(open_storage(None, tmp_path), "example", example(), 30.0)
    with pytest.raises(UsageError, match=f"the study 'example' is of another search: {words}"):
        Study(open_storage(None, tmp_path), "example", example(**other), 30.0)


def test_a_study_whose_creator_died_is_completed(alone, tmp_path):
    storage = open_storage(None, tmp_path)
    optuna.create_study(study_name="example", storage=storage).enqueue_trial({}, user_attrs={ENTRY: 0})
    evidence = work(Study(storage, "example", example(), 0.5), losses)
    assert results(evidence) == results(alone)


def test_two_trials_of_one_run_count_once(alone, tmp_path):
    study = Study(open_storage(None, tmp_path), "example", example(), 30.0)
    study._add(3)
    assert results(work(study, losses)) == results(alone)
    assert study.trials()[-1].state == TrialState.FAIL


def test_a_trial_can_be_claimed_once_and_ended_once(tmp_path):
    first, second = (Study(open_storage(None, tmp_path), "example", example(), 30.0) for _ in range(2))
    trial = second.trials()[0]
    claimed = first.claim(trial)
    assert claimed is not None and second.claim(trial) is None
    assert first.end(claimed, TrialState.FAIL) and not second.end(trial, TrialState.COMPLETE, 1.0)
    assert second.claim(trial) is None


def running(number: int = 0, **worker) -> optuna.trial.FrozenTrial:
    trial = optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs={WORKER: worker} if worker else {})
    trial.number = number
    return trial


def test_a_worker_that_is_not_heard_of_has_lost_its_run():
    now = [0.0]
    watch = Watch(10.0, lambda: now[0])
    for beats, time_, deserted in ((0, 0, False), (0, 9, False), (1, 12, False), (1, 21, False), (1, 23, True)):
        now[0] = time_
        assert watch.deserted(running(machine="another", process=1, beats=beats)) == deserted
    assert not watch.deserted(running(1))
    now[0] = 40.0
    assert watch.deserted(running(1)), "it died before it could write who it was"


def test_a_dead_process_of_this_machine_is_seen_at_once():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert not Watch(10.0).deserted(running(machine=this_machine(), process=process.pid, beats=0))
    assert Watch(10.0).deserted(running(machine=this_machine(), process=process.pid, beats=0))
    assert not Watch(10.0).deserted(running(machine="another", process=process.pid, beats=0))
