"""Layer benchmarks: every record runs in both backends, a ratio is per unit of work, over budget fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.spec.benchmark import LayerBenchmark, Side
from parity.__main__ import main
from parity.bench import layer_benchmarks
from parity.bench.layer_benchmarks import LAYER_BENCHMARKS, Outcome, measure, runner

TINY = Side(MLP(8), ((2, 3, 8),))


@pytest.mark.parametrize("backend", ("torch", "mlx"))
@pytest.mark.parametrize("benchmark", LAYER_BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_every_side_runs(benchmark, backend):
    for side in (benchmark.candidate, benchmark.reference):
        short = tuple(shape if shape[1] <= 1024 else (shape[0], 64, *shape[2:]) for shape in side.shapes)
        runner(backend, replace(side, shapes=short), benchmark.gradient)(0)


@pytest.mark.parametrize("gradient", (True, False))
def test_a_ratio_is_per_unit_of_work(gradient, monkeypatch):
    def alternate(runs, rounds, steps):
        return {name: np.full(rounds, 4.0) for name in runs}

    monkeypatch.setattr(layer_benchmarks, "alternate", alternate)
    outcome = measure(LayerBenchmark("", TINY, TINY, gradient, per=8.0, budget=0.1), "torch", 3)
    assert (outcome.seconds, outcome.ratio) == (4.0, 0.125) and not outcome.within_budget


def test_budgets_make_the_status(monkeypatch, capsys):
    def command(ratio):
        outcome = Outcome(LayerBenchmark("A0", TINY, TINY, budget=2.0), "mlx", 1e-3, ratio, ratio, ratio)
        monkeypatch.setattr(layer_benchmarks, "run", lambda *_: iter([outcome]))
        return main(["layer-benchmarks"]), capsys.readouterr().out

    status, page = command(1.5)
    assert status == 0 and "A0" in page and "within" in page and "1.50" in page
    status, page = command(2.5)
    assert status == 1 and "over" in page


def test_an_unknown_benchmark_is_one_sentence(capsys):
    assert main(["layer-benchmarks", "abacus"]) == 2
    assert "no layer benchmark is called 'abacus'" in capsys.readouterr().err
