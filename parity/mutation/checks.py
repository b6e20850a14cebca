"""The checks that concern an edit, as its field `check` names them.

    "moe: typical"                    the cases whose names begin so
    "model"                           the full model, of every persona's default
    "step", "optimizer"               a training step, the optimizer alone: of the defaults and every other recipe
    "step: aristotle with moe"        the same of the composition with this title

Some faults of wiring show in other compositions alone. So where `all_compositions` is asked for, "model", "step" and
"optimizer" go on to the compositions one change away from the defaults; they are checked one after the
other, so that a fault which shows earlier costs no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

from lyceum.personas import Plan
from lyceum.personas.spec.case import collect
from parity.project import full_model, layers, optimizer_steps, step
from parity.project.tiny_models import compact, tiny_plans, trained_plans
from parity.results.verdict import Verdict

PLAN_CHECKS: dict[str, Callable[..., Iterator[Verdict]]] = {
    "model": full_model.check,
    "step": step.check,
    "optimizer": partial(optimizer_steps.check, steps=3),
}


def checks(check: str, seed: int, all_compositions: bool = False) -> Iterator[Verdict]:
    """The verdicts of the checks that `check` names. Raises LookupError if it names none."""
    aspect, _, title = check.partition(": ")
    if aspect in PLAN_CHECKS:
        for plan in compositions(aspect, title, all_compositions):
            yield from PLAN_CHECKS[aspect](compact(plan), seed=seed)
        return
    cases = [case for case in collect("CASES") if case.name.startswith(check)]
    if not cases:
        raise LookupError(f"no case is called {check!r}: renew the record.")
    for case in cases:
        yield from layers.check(case, seed)


def compositions(check: str, title: str = "", all_compositions: bool = False) -> list[Plan]:
    """The tiny plans on which "model", "step" or "optimizer" is tried, in this order; with a title, that one alone.

    Raises LookupError for a title that no composition has.
    """
    plans = _plans()
    if title:
        if title not in plans:
            raise LookupError(f"no composition is called {title!r}: choose from {', '.join(plans)}.")
        return [plans[title]]
    first = trained_plans() if check != "model" else [t for t, p in plans.items() if p.systems == p.persona.default]
    titles = (*first, *(title for title in plans if title not in first)) if all_compositions else first
    return [plans[title] for title in titles]


_plans = cache(tiny_plans)
