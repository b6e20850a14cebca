"""The proof that the harness can fail: every planted fault is caught, and the unchanged backends are green.

`python -m parity mutants` plants each fault of `records` in either backend and says which verdict caught it.
A fault is caught if it is caught on every seed by itself. The same checks on the same seeds must be green without the
fault (`healthy`), else a red verdict would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from lyceum.personas import PERSONAS
from lyceum.personas.spec.case import collect
from parity.mutation.faults import FAULTS
from parity.mutation.planting import PACKAGES, Fault, catch
from parity.project import full_model, layers, optimizer_steps, step
from parity.project.tiny_models import tiny_plan, trained_plans
from parity.results.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """A fault planted in a backend: the first verdict that caught it, None if none did, and the seeds that missed it."""

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


MUTANTS = tuple((fault, backend) for backend in PACKAGES for fault in FAULTS if getattr(fault, backend))
SEEDS = range(1)


def checks(name: str, seed: int) -> Iterator[Verdict]:
    """The verdicts of one kind of check: "model", "step", "optimizer", or the cases whose names begin so."""
    if name not in ("model", "step", "optimizer"):
        for case in collect("CASES"):
            if case.name.startswith(name):
                yield from layers.check(case, seed)
        return
    for plan in map(tiny_plan, PERSONAS) if name == "model" else trained_plans().values():
        plan = replace(plan, fixed=replace(plan.fixed, n_layer=1, batch_size=2))
        if name == "model":
            yield from full_model.check(plan, seed)
        elif name == "step":
            yield from step.check(plan, seed)
        else:
            yield from optimizer_steps.check(plan, steps=3, seed=seed)


def healthy(seeds: Iterable[int] = SEEDS) -> Iterator[Verdict]:
    """Every verdict of the same checks on the unchanged backends; all must be green."""
    for name in dict.fromkeys(fault.check for fault in FAULTS):
        for seed in seeds:
            yield from checks(name, seed)


def run(seeds: Iterable[int] = SEEDS) -> Iterator[Outcome]:
    """Plant every fault, in turn, and check it on each seed by itself."""
    for fault, backend in MUTANTS:
        found = {seed: catch(fault, backend, checks, (seed,)) for seed in seeds}
        first = next((verdict for verdict in found.values() if verdict is not None), None)
        yield Outcome(fault, backend, first, tuple(seed for seed, verdict in found.items() if verdict is None))
