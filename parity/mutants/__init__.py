"""The proof that the harness can fail: every planted fault is caught, and the unchanged wings are green.

`python -m parity mutants` plants each fault of `records` in either wing and says which verdict caught it.
A fault is caught if it is caught on every seed by itself. The same checks on the same seeds must be green without the
fault (`healthy`), else a red verdict would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from parity import adamw_check, rooms, step, whole
from parity.mutants.faults import PACKAGES, Fault, catch
from parity.mutants.records import FAULTS
from parity.small import small_plan, trained_plans
from parity.verdict import Verdict
from personas import PERSONAS
from personas.case import collect


@dataclass(frozen=True)
class Outcome:
    """A fault planted in a wing: the first verdict that caught it, None if none did, and the seeds that missed it."""

    fault: Fault
    wing: str
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


MUTANTS = tuple((fault, wing) for wing in PACKAGES for fault in FAULTS if getattr(fault, wing))
SEEDS = range(1)


def checks(name: str, seed: int) -> Iterator[Verdict]:
    """The verdicts of one kind of check: "model", "step", "optimizer", or the cases whose names begin so."""
    if name not in ("model", "step", "optimizer"):
        for case in collect("CASES"):
            if case.name.startswith(name):
                yield from rooms.check(case, seed)
        return
    for plan in map(small_plan, PERSONAS) if name == "model" else trained_plans().values():
        plan = replace(plan, fixed=replace(plan.fixed, n_layer=1, batch_size=2))
        if name == "model":
            yield from whole.check(plan, seed)
        elif name == "step":
            yield from step.check(plan, seed)
        else:
            yield from adamw_check.optimizer(plan, steps=3, seed=seed)


def healthy(seeds: Iterable[int] = SEEDS) -> Iterator[Verdict]:
    """Every verdict of the same checks on the unchanged wings; all must be green."""
    for name in dict.fromkeys(fault.check for fault in FAULTS):
        for seed in seeds:
            yield from checks(name, seed)


def run(seeds: Iterable[int] = SEEDS) -> Iterator[Outcome]:
    """Plant every fault, in turn, and check it on each seed by itself."""
    for fault, wing in MUTANTS:
        found = {seed: catch(fault, wing, checks, (seed,)) for seed in seeds}
        first = next((verdict for verdict in found.values() if verdict is not None), None)
        yield Outcome(fault, wing, first, tuple(seed for seed, verdict in found.items() if verdict is None))
