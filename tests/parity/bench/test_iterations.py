"""Candidates in turns: who runs when, what is timed, and what the interval says."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.bench.alternate import WARM_UP, alternate, ratio_interval
from parity.bench import iterations
from parity.results.records import Timing


class Clock:
    """Time that passes only when a candidate runs."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def candidates(clock: Clock, order: list, **seconds: float) -> dict:
    """Candidates that take so many seconds an iteration, and every seventh time a hundred times as many."""

    def runner(name):
        def run(t):
            order.append((name, t))
            clock.now += seconds[name] * (100 if t % 7 == 6 else 1)

        return run

    return {name: runner(name) for name in seconds}


def test_medians_by_round():
    clock = Clock()
    medians = alternate(candidates(clock, [], slow=2.0, fast=0.5), rounds=4, steps=5, clock=clock)
    np.testing.assert_allclose(medians["slow"], np.full(4, 2.0), rtol=1e-9)
    np.testing.assert_allclose(medians["fast"], np.full(4, 0.5), rtol=1e-9)


def test_they_take_turns_after_a_warm_up_and_go_on_where_they_stopped():
    order = []
    alternate(candidates(Clock(), order, a=1.0, b=1.0, c=1.0), rounds=3, steps=2)
    assert order[: 3 * WARM_UP] == [(name, t) for name in "abc" for t in range(WARM_UP)]
    timed = order[3 * WARM_UP :]
    assert "".join(name for name, _ in timed[::2]) == "abcbcacab"
    for name in "abc":
        assert [t for n, t in order if n == name] == list(range(WARM_UP + 6))


def test_a_ratio_is_taken_within_a_round():
    """The machine slows down tenfold half-way; the ratio does not see it."""
    reference = np.array([1.0, 1.0, 1.0, 10.0, 10.0, 10.0])
    assert ratio_interval(0.1 * reference, reference) == pytest.approx((0.1, 0.1, 0.1))


def test_the_interval_contains_the_ratio_and_narrows():
    g = np.random.default_rng(0)

    def measured(rounds):
        return ratio_interval(0.1 * g.lognormal(0, 0.1, rounds), np.ones(rounds))

    few, many = measured(8), measured(800)
    for ratio, low, high in (few, many):
        assert low < ratio < high
    assert 3 * (many[2] - many[1]) < few[2] - few[1]
    assert many[1] < 0.1 < many[2]


def test_the_budget():
    assert Timing("aristotle-torch", "cpu", 0.03, 0.15, 0.14, 0.16, budget=0.15).within_budget
    assert not Timing("aristotle-torch", "cpu", 0.03, 0.151, 0.14, 0.16, budget=0.15).within_budget
    assert Timing("aristotle-mlx", "cpu", 3.0, 9.0, 8.0, 10.0).within_budget, "it has no budget"


def test_a_run_compares_with_the_reference(monkeypatch):
    def candidate(persona, backend):
        work = {"baseline": 40_000, "aristotle": 400}[persona]
        return f"{persona}-{backend}", lambda t: sum(range(work)), "cpu"

    monkeypatch.setattr(iterations, "candidate", candidate)
    timings = {t.name: t for t in iterations.run([("baseline", "torch"), ("aristotle", "torch")], rounds=5, steps=3)}
    assert timings["baseline-torch"].ratio == 1.0
    assert 0 < timings["aristotle-torch"].ratio < 0.15 == timings["aristotle-torch"].budget
    assert timings["baseline-torch"].budget is None and all(t.within_budget for t in timings.values())
