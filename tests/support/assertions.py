"""Assertions on verdicts, whose failures say what the harness would say."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from parity.results.verdict import Verdict


def all_green(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts, if there are any and all are green; else the test fails with one sentence for each red one."""
    __tracebackhide__ = True
    found = list(verdicts)
    red = [verdict.sentence() for verdict in found if not verdict.ok]
    if red or not found:
        pytest.fail("\n".join(red) or "nothing was checked", pytrace=False)
    return found
