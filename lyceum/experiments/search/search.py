"""One worker's part in a search, from what the command line says to the record and the page."""

from __future__ import annotations

from pathlib import Path

import train_mps
from lyceum import corpus
from lyceum.contract import UsageError
from lyceum.experiments import runs
from lyceum.experiments.search import record
from lyceum.experiments.search.measure import trained
from lyceum.experiments.search.outcome import Outcome, outcome
from lyceum.experiments.search.setup import rule_of, setup
from lyceum.experiments.search.space import Space
from lyceum.experiments.search.storage import open_storage
from lyceum.experiments.search.study import Study
from lyceum.experiments.search.work import work


def search(
    space: Space,
    backend: str,
    budget: int,
    candidates: int,
    seeds: tuple[int, ...],
    storage: str | None,
    name: str,
    out: Path,
    data_dir: str | None,
    patience: float,
) -> tuple[Outcome, Path, Path]:
    """(outcome, record, page) of a search, which this process works on until it is finished, alone or with others.

    budget: iterations of all runs. candidates: configurations. storage: a database URL, None for a file in `out`. name:
    of the study. data_dir: the text, None for tiny Shakespeare. patience: seconds without a beat, after which a worker
    has lost its run. Raises UserError, one sentence.
    """
    rule = rule_of(space, train_mps.FIXED, budget, candidates, seeds)
    opened = open_storage(storage, out)
    try:
        split = runs.development_split(out, data_dir)
        task = setup(space, rule, backend, budget, seeds, corpus.load(split))
    except corpus.CorpusError as error:
        raise UsageError(str(error)) from error
    evidence = work(Study(opened, name, task, patience), trained(space, backend, out, split))
    result = outcome(task, evidence)
    return result, *record.write(task, name, result, out)
