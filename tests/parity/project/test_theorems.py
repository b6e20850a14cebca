"""The theorems are true of the reference and of both backends, whatever the seed; and a false one fails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.spec.case import Theorem, collect, representable
from parity.bounds.rounding import UNIT
from parity.project import theorems
from parity.project.checks import proofs
from parity.project.layers import VARIANTS
from parity.sides.variants import ORACLE
from tests.support.assertions import all_passed

PROOFS = proofs()
SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("name", PROOFS)
@settings(max_examples=1)  # `python -m parity theorems --seeds N` draws more
@given(seed=SEEDS)
def test_holds(name, seed):
    verdicts = all_passed(PROOFS[name](seed))
    assert [verdict.variant for verdict in verdicts] == ["reference float64", *map(str, (ORACLE, *VARIANTS))]


def test_causality_is_exact():
    """No output before t changes, not even by rounding."""
    [causality] = [theorem for theorem in collect("THEOREMS") if theorem.name == "attention: causality"]
    assert causality.exact
    assert all(verdict.bound == 0 for verdict in theorems.check(causality))


def off_by(relative: float, exact: bool = False) -> Theorem:
    """The theorem "a norm is itself", with the left side off by a relative error."""

    def sides(evaluate, g):
        y = evaluate(LayerNorm(4), {"weight": np.ones(4)}, "__call__", representable(g.normal(size=(3, 4))))
        return y * (1 + relative), y

    return Theorem("test: off", "a norm is itself", sides, length=4, exact=exact)


def test_a_false_theorem_fails():
    """The bound is MARGIN sqrt(4) u = 16 u here."""
    right = {verdict.variant for verdict in theorems.check(off_by(12 * UNIT["float64"])) if verdict.ok}
    assert len(right) == 5
    wrong = {verdict.variant for verdict in theorems.check(off_by(24 * UNIT["float64"])) if not verdict.ok}
    assert wrong == {"reference float64", "torch float64", "mlx float64"}
    assert not any(verdict.ok for verdict in theorems.check(off_by(24 * UNIT["float32"])))


def test_an_exact_theorem_allows_not_one_ulp():
    assert not any(verdict.ok for verdict in theorems.check(off_by(2 * UNIT["float64"], exact=True)))
