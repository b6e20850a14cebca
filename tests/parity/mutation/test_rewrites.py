"""The harness raises no false alarms: no harmless rewrite is flagged, in either backend; a harmful one is."""

from __future__ import annotations

from functools import cache

import pytest

from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.spec.case import Case
from parity.mutation.faults.baseline import NORM
from parity.mutation.planting import Fault, catch
from parity.mutation.rewrite_records import NORM_MLX
from parity.mutation.rewrites import PLANTED, Outcome, Rewrite, first_failure
from parity.project.layers import check
from tests.support.turns import every

NAMES = [f"{backend}: {rewrite.name}" for rewrite, backend in PLANTED]
SEEDS = range(1)
MOMENTS = (
    "(lambda m, s: self.weight * (x - m) / (s - m * m + self.eps).sqrt())(x.mean(-1, True), (x * x).mean(-1, True))"
)


@cache
def flagged_by(name: str, seeds: range):
    return first_failure(*PLANTED[NAMES.index(name)], seeds)


def passes(name: str, seeds: range) -> None:
    verdict = flagged_by(name, seeds)
    assert verdict is None, f"{name} is flagged: {verdict.sentence()}"


@pytest.mark.parametrize("name", every(4, NAMES))
def test_not_flagged(name):
    passes(name, SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_not_flagged_on_three_seeds(name):
    passes(name, range(3))


@pytest.mark.slow
def test_the_count(capsys):
    flagged = [name for name in NAMES if flagged_by(name, SEEDS) is not None]
    with capsys.disabled():
        print(f"\nharmless rewrites flagged: {len(flagged)} of {len(NAMES)}")
    assert not flagged
    assert len(NAMES) == len(set(NAMES))
    assert all(sum(name.startswith(backend) for name in NAMES) >= 8 for backend in ("torch", "mlx"))


@pytest.mark.parametrize("name", NAMES)
def test_every_rewrite_changes_the_text_and_has_a_reason(name):
    rewrite, backend = PLANTED[NAMES.index(name)]
    old, new = getattr(rewrite, backend)
    assert old != new
    assert rewrite.reason


def test_an_outcome_says_what_was_planted_and_what_came_of_it():
    outcome = Outcome(*PLANTED[0], None)
    record = outcome.record()
    assert (record["record"], record["flagged"], record["verdict"]) == ("rewrite", False, None)
    assert record["rewrite"]["name"] == PLANTED[0][0].name
    assert outcome.edit.note == PLANTED[0][0].reason


def test_a_mistake_among_the_rewrites_would_be_flagged():
    mistake = Rewrite("norm, eps forgotten", "", NORM, "norm", mlx=("None, self.eps", "None, 0.0"))
    assert first_failure(mistake, "mlx", SEEDS) is not None


def variance_by_moments(mean: float):
    """The first failed verdict where the variance is E[x^2] - E[x]^2 and the inputs lie around `mean`."""

    def far(name: str, seed: int):
        yield from check(Case(name, LayerNorm(16), lambda g: (mean + g.normal(size=(4, 16)),)), seed)

    fault = Fault("moments", "subtracted the square of the mean", NORM, "norm", mlx=(NORM_MLX, MOMENTS))
    return catch(fault, "mlx", far, SEEDS)


def test_equal_in_exact_arithmetic_is_not_yet_harmless():
    """The variance as E[x^2] - E[x]^2 is a rewrite around zero, and loses six more digits where the mean is 1000."""
    assert variance_by_moments(0.0) is None
    verdict = variance_by_moments(1000.0)
    assert verdict is not None
    assert verdict.variant.startswith("mlx")
