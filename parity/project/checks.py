"""Everything that `python -m parity check` and `theorems` can check, by name; a new system joins by its cases.

A check takes a seed, from which it draws parameters, inputs and cotangents, and the variants, and yields verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

from lyceum.personas.spec.case import collect, collect_by_module
from parity.compare.pair import Pair
from parity.project import full_model, layers, step, theorems
from parity.project.tiny_models import tiny_plans
from parity.results.verdict import Verdict
from parity.sides.test_point import Point

Check = Callable[..., Iterator[Verdict]]


def cases() -> dict[str, Check]:
    """Every layer's cases, then the full model and one training step of each tiny plan."""
    plans = tiny_plans()
    checks: dict[str, Check] = {case.name: partial(layers.check, case) for case in collect("CASES")}
    checks |= {f"model: {title}": partial(full_model.check, plan) for title, plan in plans.items()}
    checks |= {f"step: {title}": partial(step.check, plan) for title, plan in plans.items()}
    return checks


def pairs() -> dict[str, Callable[[], tuple[Pair, Point]]]:
    """What the cases and the full models compute: a function that makes the pair and its point, by name."""
    made = {case.name: partial(layers.pair_and_point, case) for case in collect("CASES")}
    return made | {f"model: {title}": partial(full_model.pair_and_point, plan) for title, plan in tiny_plans().items()}


def proofs() -> dict[str, Check]:
    """Every theorem."""
    return {theorem.name: partial(theorems.check, theorem) for theorem in collect("THEOREMS")}


@cache
def origins() -> dict[str, str]:
    """The module of each case and theorem: "lyceum.personas.aristotle.norm"."""
    records = [*collect_by_module("CASES"), *collect_by_module("THEOREMS")]
    return {record.name: module for module, record in records}


def select(checks: dict[str, Check], patterns: list[str]) -> dict[str, Check]:
    """The checks that fit one of `patterns`, all if there are none. LookupError if one fits no check.

    A pattern is a part of a check's name, or a persona or a system, which all the checks of its layers fit.
    """
    for pattern in patterns:
        if not any(fits(name, pattern) for name in checks):
            layers = ", ".join(sorted({name.partition(":")[0] for name in checks}))
            raise LookupError(f"nothing to check is called {pattern!r}: choose a part of a name, such as {layers}.")
    return {name: run for name, run in checks.items() if chosen(name, patterns)}


def chosen(name: str, patterns: list[str]) -> bool:
    """Whether a check fits one of the patterns, or there are none."""
    return not patterns or any(fits(name, pattern) for pattern in patterns)


def fits(name: str, pattern: str) -> bool:
    return pattern.lower() in name.lower() or pattern.lower() in origins().get(name, "").split(".")[2:]
