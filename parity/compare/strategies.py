"""Inputs drawn by a hypothesis strategy: many examples, and a failing one shrunk to the smallest that still fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.results.verdict import Verdict


class _Failed(Exception):
    """Tells hypothesis that an example fails."""


def explored(verdicts_at: Callable[[tuple], list[Verdict]], strategy: Any, examples: int) -> list[Verdict]:
    """The verdicts of `examples` draws if all passed, else those of the smallest failing one alone.

    verdicts_at: the verdicts for a tuple of arguments. strategy: a hypothesis strategy for that tuple. The draws are
    the same in every run.
    """
    from hypothesis import HealthCheck, given, settings

    passed: list[Verdict] = []
    failing: list[Verdict] = []

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def every(inputs: Any) -> None:
        verdicts = verdicts_at(inputs if isinstance(inputs, tuple) else (inputs,))
        if any(not verdict.ok for verdict in verdicts):
            failing[:] = verdicts  # the last that hypothesis runs is the smallest
            raise _Failed
        passed.extend(verdicts)

    try:
        every()
    except _Failed:
        return failing
    return passed
