"""Everything that `python -m parity` can check, by name: a new system joins by adding a file to `personas`.

A check takes a seed, from which it draws parameters, inputs and cotangents, and the legs, and yields verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

from parity import rooms, step, theorems, whole
from parity.pair import Pair
from parity.problem import Problem
from parity.small import small_plans
from parity.verdict import Verdict
from personas.case import collect, collect_by_room

Check = Callable[..., Iterator[Verdict]]


def cases() -> dict[str, Check]:
    """Every room's cases, then the whole model and one training step of each small plan."""
    own = {case.name: partial(rooms.check, case) for case in collect("CASES")}
    plans = small_plans()
    models = {f"model: {title}": partial(whole.check, plan) for title, plan in plans.items()}
    return own | models | {f"step: {title}": partial(step.check, plan) for title, plan in plans.items()}


def pairs() -> dict[str, Callable[[], tuple[Pair, Problem]]]:
    """What the cases and whole models compute, as pairs and problems."""
    own = {case.name: partial(rooms.posed, case) for case in collect("CASES")}
    return own | {f"model: {title}": partial(whole.posed, plan) for title, plan in small_plans().items()}


def proofs() -> dict[str, Check]:
    """Every theorem."""
    return {theorem.name: partial(theorems.check, theorem) for theorem in collect("THEOREMS")}


@cache
def origins() -> dict[str, str]:
    """The package of each case and theorem: "personas.aristotle"."""
    found = (pair for kind in ("CASES", "THEOREMS") for pair in collect_by_room(kind))
    return {record.name: room.rpartition(".")[0] for room, record in found}


def select(checks: dict[str, Check], patterns: list[str]) -> dict[str, Check]:
    """The checks that fit one of `patterns`, all if there are none. LookupError if one fits no check.

    A pattern is a part of a check's name, or a persona, which all the checks of its rooms fit.
    """
    for pattern in patterns:
        if not any(fits(name, pattern) for name in checks):
            rooms = ", ".join(sorted({name.partition(":")[0] for name in checks}))
            raise LookupError(f"nothing to check is called {pattern!r}: choose a part of a name, such as {rooms}.")
    return {name: run for name, run in checks.items() if chosen(name, patterns)}


def chosen(name: str, patterns: list[str]) -> bool:
    """Whether a check fits one of the patterns, or there are none."""
    return not patterns or any(fits(name, pattern) for pattern in patterns)


def fits(name: str, pattern: str) -> bool:
    return pattern.lower() in name.lower() or origins().get(name) == f"personas.{pattern.lower()}"
