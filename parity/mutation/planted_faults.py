"""The proof that the harness can fail: it catches every planted fault, and passes the unchanged backends.

`python -m parity mutants` plants each fault of `faults` in either backend and says which verdict caught it. A fault is
caught if it is caught on every seed by itself. The same checks on the same seeds must pass without the fault
(`healthy`), else a failed verdict would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context

from parity.mutation.checks import checks
from parity.mutation.faults import FAULTS
from parity.mutation.planting import PACKAGES, Fault, catch
from parity.results.verdict import Verdict

MUTANTS = tuple((fault, backend) for backend in PACKAGES for fault in FAULTS if getattr(fault, backend))
SEEDS = range(1)


@dataclass(frozen=True)
class Outcome:
    """A fault planted in a backend: the first verdict that caught it, if any, and the seeds that missed it."""

    fault: Fault
    backend: str
    verdict: Verdict | None
    missed: tuple[int, ...] = ()

    @property
    def edit(self) -> Fault:
        return self.fault

    @property
    def caught(self) -> bool:
        return not self.missed

    def record(self) -> dict:
        """For a line of JSON."""
        return {"record": "fault", "caught": self.caught} | asdict(self)


def healthy(seeds: Iterable[int] = SEEDS, all_compositions: bool = False, words: str = "") -> Iterator[Verdict]:
    """Every verdict of the faults' checks on the unchanged backends; all must pass.

    Compositions beyond the defaults, where a fault may be caught, are checked unchanged if `all_compositions` says so,
    and by `python -m parity check`.
    """
    for check in dict.fromkeys(fault.check for fault in FAULTS if named(fault, words)):
        for seed in seeds:
            yield from checks(check, seed, all_compositions)


def named(fault: Fault, words: str) -> bool:
    """Whether the fault's module or name contains the words."""
    return words in f"{fault.module} {fault.name}"


def caught_by(fault: Fault, backend: str, seeds: Iterable[int]) -> Verdict | None:
    """The first verdict that catches the fault, whatever composition it takes; None if it survives."""
    return catch(fault, backend, partial(checks, all_compositions=True), seeds)


def run(seeds: Iterable[int] = SEEDS, words: str = "", jobs: int = 1) -> Iterator[Outcome]:
    """Plant every fault that `words` name, and check it on each seed by itself, in `jobs` processes."""
    chosen = [i for i, (fault, _) in enumerate(MUTANTS) if named(fault, words)]
    if jobs == 1:
        yield from (outcome(i, seeds) for i in chosen)
        return
    # In processes, not threads: an edit is planted in the modules of the process.
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from pool.map(partial(outcome, seeds=seeds), chosen)


def outcome(number: int, seeds: Iterable[int]) -> Outcome:
    """Plant fault `number` of MUTANTS."""
    fault, backend = MUTANTS[number]
    verdicts = {seed: caught_by(fault, backend, (seed,)) for seed in seeds}
    first = next((verdict for verdict in verdicts.values() if verdict is not None), None)
    return Outcome(fault, backend, first, tuple(seed for seed, verdict in verdicts.items() if verdict is None))
