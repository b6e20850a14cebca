"""What checks cost: the counts and shares of `overhead`, and the records of `costs`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from parity.bench import overhead
from parity.bench.costs import costs
from parity.bench.overhead import BACKWARD, FORWARD, ROUNDED
from parity.project.checks import pairs
from parity.results.table import cells
from parity.results.verdict import compare, limited


@pytest.fixture
def tiny(monkeypatch):
    """The same model in a size that takes milliseconds."""
    monkeypatch.setattr(overhead, "SIZES", replace(overhead.SIZES, batch_size=2, block_size=8, n_head=2, n_embd=16))


def test_the_evaluations_of_a_check_are_counted(tiny):
    counts = overhead.evaluation_counts(*overhead.model_pair())
    forward = counts.pop(f"torch float64, {FORWARD}")
    assert forward >= 5, "the slope's line, and one look for casts"
    once = [f"{variant}, {BACKWARD}" for variant in ("torch float64", "mlx float64", "torch float32", "mlx float32")]
    assert counts == dict.fromkeys((*once, f"torch float64, {ROUNDED}"), 1)


def test_every_evaluation_runs_without_the_harness(tiny):
    pair, point = overhead.model_pair()
    for name in overhead.evaluation_counts(pair, point):
        overhead.evaluation(pair, point, name)()


def test_shares(tiny, monkeypatch):
    """A check of 15 seconds, made of evaluations that take 10 alone, 3 of them under random rounding."""
    counts = {f"torch float64, {FORWARD}": 8, f"mlx float32, {BACKWARD}": 3, f"torch float64, {ROUNDED}": 2}
    monkeypatch.setattr(overhead, "evaluation_counts", lambda *_: counts)
    monkeypatch.setattr(overhead, "evaluation", lambda *_: None)
    monkeypatch.setattr(overhead, "compare_pair", lambda *_: iter(()))
    seconds = {
        "check": 15.0,
        f"torch float64, {FORWARD}": 0.5,
        f"mlx float32, {BACKWARD}": 1.0,
        f"torch float64, {ROUNDED}": 1.5,
    }
    monkeypatch.setattr(overhead, "alternate", lambda runs, *_: {name: np.full(3, seconds[name]) for name in runs})
    result = overhead.run(3)
    assert (result.seconds, result.share, result.plain, result.rounding) == (15.0, 0.5, 15.0, 3 / 15)
    assert not result.within_budget


def test_costs_of_a_case():
    ours, theirs = sorted(costs(*pairs()["mlp: zero"]()), key=lambda cost: cost.variant)
    assert (ours.variant, theirs.variant) == ("mlx float32", "torch float32")
    assert {ours.case, theirs.case} == {"mlp: zero"}
    assert all(0 < cost.seconds < 10 and 0 < cost.peak_bytes < 2**30 for cost in (ours, theirs))


def test_a_limitation_is_no_error_of_its_variant():
    one = np.ones(1)
    compared = compare("layer: case", "mlx float32", "output", one * 1.5, one, 1.0, "")
    cell = cells([limited("layer: case", "mlx float32", "jvp", "no rule"), compared])["layer: case"]["mlx float32"]
    assert (cell.relative, cell.share, cell.failures) == (0.5, 0.5, 0)
