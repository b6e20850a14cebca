"""The page of a search: one HTML file with the bracket, in light and dark, for a wide window or a phone.

It loads nothing and needs no script; values reach it through autoescaping.
"""

from __future__ import annotations

from functools import cache
from math import isfinite
from pathlib import Path

from jinja2 import Environment

from lyceum.experiments.search.outcome import DEFAULT, Outcome
from lyceum.experiments.search.setup import Setup
from lyceum.html import engine
from lyceum.personas.spec.search import Comparison


def render(setup: Setup, name: str, result: Outcome, record: dict) -> str:
    """The page as text. record: the persona's, see `record.persona_record`."""
    stages: dict[int, list[Comparison]] = {}
    for comparison in result.comparisons:
        stages.setdefault(comparison.stage, []).append(comparison)
    return _templates().get_template("page.html.j2").render(
        setup=setup,
        name=name,
        result=result,
        record=record,
        stages=stages,
        last={stage: one.steps for stage, (one, *_) in stages.items()},
        title=setup.rule.stage,
        reached=_reached(result),
        default=DEFAULT,
        columns=list(setup.space.distributions),
    )  # fmt: skip


@cache
def _templates() -> Environment:
    return engine(Path(__file__).parent, signed=signed, value=value)


def _reached(result: Outcome) -> dict[int, int]:
    """{candidate: the last stage that it was in}."""
    return {each: one.stage for one in result.comparisons for each in (one.one, one.other) if each is not None}


def signed(difference: float, error: float) -> str:
    """A difference and its standard error as text: "0.0123 ± 0.0021", by non-breaking spaces."""
    return f"{abs(difference):.4f}\u00a0±\u00a0{error:.4f}" if isfinite(difference) else "diverged"


def value(one: float | bool) -> str:
    """A value of a configuration as text."""
    if isinstance(one, bool):
        return "on" if one else "off"
    return f"{one:g}"
