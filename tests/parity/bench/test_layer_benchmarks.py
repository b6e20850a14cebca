"""Contests: every record runs in both backends, a ratio is per unit of work, and a broken promise is red."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyceum.personas.baseline.mlp import MLP
from parity.__main__ import main
from parity.bench import layer_benchmarks
from parity.bench.layer_benchmarks import LAYER_BENCHMARKS, LayerBenchmark, Outcome, Side, hold, runner

SMALL = Side(MLP(8), ((2, 3, 8),))


@pytest.mark.parametrize("backend", ("torch", "mlx"))
@pytest.mark.parametrize("contest", LAYER_BENCHMARKS, ids=lambda contest: contest.name)
def test_every_side_runs(contest, backend):
    for side in (contest.contender, contest.reference):
        short = tuple(shape if shape[1] <= 1024 else (shape[0], 64, *shape[2:]) for shape in side.shapes)
        runner(backend, replace(side, shapes=short), contest.gradient)(0)


@pytest.mark.parametrize("gradient", (True, False))
def test_a_ratio_is_per_unit_of_work(gradient, monkeypatch):
    monkeypatch.setattr(layer_benchmarks, "race", lambda runs, rounds, steps: {n: np.full(rounds, 4.0) for n in runs})
    found = hold(LayerBenchmark("", SMALL, SMALL, gradient, per=8.0, promised=0.1), "torch", 3)
    assert (found.seconds, found.ratio) == (4.0, 0.125) and not found.kept


def test_promises_make_the_status(monkeypatch, capsys):
    def outcome(ratio):
        contest = LayerBenchmark("A0", SMALL, SMALL, promised=2.0)
        monkeypatch.setattr(
            layer_benchmarks, "run", lambda *_: iter([Outcome(contest, "mlx", 1e-3, ratio, ratio, ratio)])
        )
        return main(["layer_benchmarks"]), capsys.readouterr().out

    status, page = outcome(1.5)
    assert status == 0 and "A0" in page and "kept" in page and "1.50" in page
    status, page = outcome(2.5)
    assert status == 1 and "broken" in page


def test_an_unknown_contest_is_one_sentence(capsys):
    assert main(["layer_benchmarks", "abacus"]) == 2
    assert "no contest is called 'abacus'" in capsys.readouterr().err
