"""Assertions on verdicts, whose failures say what the harness would say."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
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


def same_state(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Two states of a trainer are the same, bit for bit."""
    __tracebackhide__ = True
    assert one.keys() == other.keys()
    different = [name for name in one if one[name].tobytes() != other[name].tobytes()]
    assert not different, f"{len(different)} arrays differ, the first of them {different[0]}"
