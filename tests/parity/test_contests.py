"""Contests: every record runs in both wings, a ratio is per unit of work, and a broken promise is red."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from parity import contests
from parity.__main__ import main
from parity.contests import CONTESTS, Contest, Outcome, Side, hold, runner
from personas.baseline.mlp import MLP

SMALL = Side(MLP(8), ((2, 3, 8),))


@pytest.mark.parametrize("wing", ("torch", "mlx"))
@pytest.mark.parametrize("contest", CONTESTS, ids=lambda contest: contest.name)
def test_every_side_runs(contest, wing):
    for side in (contest.contender, contest.reference):
        short = tuple(shape if shape[1] <= 1024 else (shape[0], 64, *shape[2:]) for shape in side.shapes)
        runner(wing, replace(side, shapes=short), contest.gradient)(0)


@pytest.mark.parametrize("gradient", (True, False))
def test_a_ratio_is_per_unit_of_work(gradient, monkeypatch):
    monkeypatch.setattr(contests, "race", lambda runs, rounds, steps: {n: np.full(rounds, 4.0) for n in runs})
    found = hold(Contest("", SMALL, SMALL, gradient, per=8.0, promised=0.1), "torch", 3)
    assert (found.seconds, found.ratio) == (4.0, 0.125) and not found.kept


def test_promises_make_the_status(monkeypatch, capsys):
    def outcome(ratio):
        contest = Contest("A0", SMALL, SMALL, promised=2.0)
        monkeypatch.setattr(contests, "run", lambda *_: iter([Outcome(contest, "mlx", 1e-3, ratio, ratio, ratio)]))
        return main(["contests"]), capsys.readouterr().out

    status, page = outcome(1.5)
    assert status == 0 and "A0" in page and "kept" in page and "1.50" in page
    status, page = outcome(2.5)
    assert status == 1 and "broken" in page


def test_an_unknown_contest_is_one_sentence(capsys):
    assert main(["contests", "abacus"]) == 2
    assert "no contest is called 'abacus'" in capsys.readouterr().err
