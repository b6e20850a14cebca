"""Inputs drawn by a hypothesis strategy: many examples, and a failing one shrunk to the smallest that still fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.results.verdict import Verdict


class _Red(Exception):
    """Tells hypothesis that an example fails."""


def explored(judged: Callable[[tuple], list[Verdict]], strategy: Any, examples: int) -> list[Verdict]:
    """The verdicts of `examples` draws if all are green, else those of the smallest failing one alone.

    strategy: a hypothesis strategy for the tuple of arguments. The draws are the same in every run.
    """
    from hypothesis import HealthCheck, given, settings

    green: list[Verdict] = []
    failing: list[Verdict] = []

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def every(inputs: Any) -> None:
        found = judged(inputs if isinstance(inputs, tuple) else (inputs,))
        if any(not verdict.ok for verdict in found):
            failing[:] = found  # the last that hypothesis runs is the smallest
            raise _Red
        green.extend(found)

    try:
        every()
    except _Red:
        return failing
    return green
