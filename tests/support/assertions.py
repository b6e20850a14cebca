"""Assertions on verdicts, whose failures say what the harness would say."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from parity.results.verdict import Verdict


def all_passed(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts, if there are any and all passed; else the test fails with one sentence for each failure."""
    __tracebackhide__ = True
    verdicts = list(verdicts)
    failures = [verdict.sentence() for verdict in verdicts if not verdict.ok]
    if failures or not verdicts:
        pytest.fail("\n".join(failures) or "nothing was checked", pytrace=False)
    return verdicts
