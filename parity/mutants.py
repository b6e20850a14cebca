"""The proof that the harness can fail: every planted fault is caught, and the unchanged wings are green.

`python -m parity mutants` plants each fault of `parity.fault_records` in either wing and says which verdict caught it.
The same checks on the same seeds must be green without the fault (`healthy`), else a red verdict would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from parity import rooms, step, training, whole
from parity.fault_records import FAULTS
from parity.faults import PACKAGES, Fault, catch
from parity.small import small_plan
from parity.verdict import Verdict
from personas import PERSONAS
from personas.case import collect


@dataclass(frozen=True)
class Outcome:
    """A fault planted in a wing, and the verdict that caught it, None if it survived."""

    fault: Fault
    wing: str
    verdict: Verdict | None


MUTANTS = tuple((fault, wing) for wing in PACKAGES for fault in FAULTS if getattr(fault, wing))
SEEDS = range(1)


def checks(name: str, seed: int) -> Iterator[Verdict]:
    """The verdicts of one kind of check: "model", "step", "optimizer", or the cases whose names begin so."""
    if name not in ("model", "step", "optimizer"):
        for case in collect("CASES"):
            if case.name.startswith(name):
                yield from rooms.check(case, seed)
        return
    for persona in PERSONAS:
        plan = small_plan(persona)
        plan = replace(plan, fixed=replace(plan.fixed, n_layer=1, batch_size=2))
        if name == "model":
            yield from whole.check(plan, seed)
        elif name == "step":
            yield from step.check(plan, seed)
        else:
            yield from training.optimizer(plan, steps=3)


def healthy() -> Iterator[Verdict]:
    """Every verdict of the same checks on the unchanged wings; all must be green."""
    for name in dict.fromkeys(fault.check for fault in FAULTS):
        for seed in SEEDS:
            yield from checks(name, seed)


def run() -> Iterator[Outcome]:
    """Plant every fault, in turn."""
    for fault, wing in MUTANTS:
        yield Outcome(fault, wing, catch(fault, wing, checks, SEEDS))
