"""The fault drill: its faults are drawn from the seed, its runs show what repair does, and how it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.cli import main
from lyceum.experiments.drill import drill, faults
from parity.project.tiny_models import tiny_corpus, tiny_plan

STEPS = 60


@pytest.fixture(scope="module")
def plans():
    return [tiny_plan("aristotle", STEPS, names) for names in drill.with_and_without("aristotle")]


def test_faults_are_those_of_the_seed_and_follow_each_other(plans):
    drawn = faults.draw(plans[0], 3, STEPS)
    assert [str(fault) for fault in drawn] == [str(fault) for fault in faults.draw(plans[0], 3, STEPS)]
    assert [str(fault) for fault in drawn] != [str(fault) for fault in faults.draw(plans[0], 4, STEPS)]
    assert [fault.sort for fault in drawn] == ["nan", "times 100", "zero", "sign changed"]
    assert STEPS * 0.2 <= drawn[0].step < drawn[1].step < drawn[2].step < drawn[3].step < STEPS * 0.8
    assert len({fault.name for fault in drawn}) == 4
    assert all((np.diff(fault.rows) > 0).all() for fault in drawn)


def test_a_drill_of_a_tiny_model(plans):
    report = drill.drilled(plans, "torch", 1, STEPS, 2, tiny_corpus())
    unhurt, repaired_unhurt, repaired, hurt, finite = report.outcomes
    assert report.same and repaired_unhurt.full_vloss == unhurt.full_vloss
    drawn = {fault.name for fault in unhurt.faults or faults.draw(plans[0], 1, STEPS)}
    assert all(any(name in line for line in repaired.detected) for name in drawn) and len(repaired.detected) == 4
    assert hurt.stopped == faults.draw(plans[0], 1, STEPS)[0].step and hurt.full_vloss is None
    assert abs(report.difference(repaired)[0]) < drill.GOAL and finite.stopped is None
    assert report.difference(unhurt) == (0, 0) and report.time[0] > 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("baseline",), "baseline has no system 'repair'"),
        (("plato",), "there is no persona 'plato'"),
        (("aristotle", "--steps", "20"), "invalid value for '--steps'"),
        (("aristotle", "--backend", "jax"), "invalid value for '--backend'"),
    ],
)
def test_wrong_use_gets_one_sentence(capsys, arguments, sentence):
    assert main(["drill", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
