"""A search whose runs are quick: losses by a formula, so that workers can be many, killed and compared.

Run as a program (`python search_worker.py FOLDER URL SECONDS`; URL "" for the journal file) it is one worker of the
study in the folder, whose runs last so many seconds. Each run that begins is a line "RUN PROCESS" of the file `begun`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from lyceum import corpus  # noqa: E402
from lyceum.experiments.search.evidence import LOSSES, Evidence  # noqa: E402
from lyceum.experiments.search.setup import Setup, rule_of, setup  # noqa: E402
from lyceum.experiments.search.space import DEFAULT, parse  # noqa: E402
from lyceum.experiments.search.storage import open_storage  # noqa: E402
from lyceum.experiments.search.study import Study  # noqa: E402
from lyceum.experiments.search.work import work  # noqa: E402
from lyceum.personas.spec.search import Entry  # noqa: E402
from lyceum.rng import stream  # noqa: E402

FIXED = SimpleNamespace(max_iters=10001)
BLOCKS, TOKENS = 40, 8


def example(
    candidates: int = 8,
    seeds: tuple[int, ...] = (1, 2),
    budget: int = 2400,
    space: str = DEFAULT,
    persona: str = "aristotle",
) -> Setup:
    """A persona's search on a text of a few ids."""
    searched = parse(persona, space)
    text = corpus.Corpus(np.arange(9, dtype=np.uint16), np.arange(5, dtype=np.uint16), "nowhere")
    return setup(searched, rule_of(searched, FIXED, budget, candidates, seeds), "torch", budget, seeds, text)


def losses(entry: Entry) -> np.ndarray | None:
    """(K, T): a distance of the recipe from the best there is, and noise by address; diverges at a high rate."""
    rate = entry.configuration["peak_lr"]
    if rate > 3.5e-3:
        return None
    distance = abs(np.log(rate / 1.5e-3)) + abs(entry.configuration["dropout"] - 0.15)
    noise = stream(entry.seed, f"test-search-{entry.candidate}", entry.steps).normal(0, 0.2, (BLOCKS, TOKENS))
    common = stream(entry.seed, "test-search-text").normal(0, 1, (BLOCKS, TOKENS))
    result = 5 + 0.2 * distance + 10 / entry.steps + common + noise
    result[-1, 3:] = np.nan
    return result


def results(evidence: Evidence) -> dict[int, tuple]:
    """{run's number: (parameters, value, losses)}: all that must not depend on the workers."""
    return {
        number: (trial.params, trial.value, trial.user_attrs.get(LOSSES)) for number, trial in evidence.trials.items()
    }


def worker(folder: Path, url: str | None = None, seconds: float = 0.0, patience: float = 30.0) -> Evidence:
    """Work on the study in a folder until it is finished."""

    def measure(entry: Entry) -> np.ndarray | None:
        with open(folder / "begun", "a") as file:
            file.write(f"{entry.candidate}/{entry.seed}/{entry.steps} {os.getpid()}\n")
        time.sleep(seconds)
        return losses(entry)

    folder.mkdir(parents=True, exist_ok=True)
    study = Study(open_storage(url or None, folder), "example", example(), patience)
    return work(study, measure, poll=0.05)


if __name__ == "__main__":
    worker(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
