"""The lines by hand and their theorems, the interval, noise, turns and order; and what SciPy evaluates."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import optuna
import pytest
from scipy import optimize

from lyceum.experiments.search.outcome import outcome
from lyceum.experiments.search.page import render
from lyceum.experiments.search.record import persona_record
from lyceum.experiments.search.study import Study
from lyceum.experiments.search.work import work
from lyceum.personas import PersonaError
from lyceum.personas.euclid.search import ExtremeAndMean, golden
from lyceum.personas.euclid.search.line import Length, Line
from lyceum.personas.spec.search import Entry, Range, Task, Undecided
from lyceum.rng import stream
from tests.support.search_worker import example, losses

PHI = (1 + 5**0.5) / 2
RATE = Range("rate", 0.0, 1.0)


class Fine(Range):
    """A range whose values are not rounded."""

    def rounded(self, value):
        return value


FINE = Fine("rate", 0.0, 1.0)


class Losses:
    """Evidence of which everything is known: the loss of each run on each block, for the runs that were played."""

    def __init__(self, rule: ExtremeAndMean, block_losses):
        """block_losses: (configuration, seed) -> (K,), nats per token."""
        self.rule, self.block_losses, self.measured = rule, block_losses, {}

    def finished(self, number):
        return number in self.measured

    def difference(self, ones, others):
        one, other = (np.mean([self.measured[n] for n in side], axis=0) for side in (ones, others))
        diverged = tuple(bool(np.isinf(side).any()) for side in (one, other))
        if any(diverged):
            return {(True, True): 0.0, (True, False): -inf, (False, True): inf}[diverged], 0.0
        d = other - one
        return float(d.mean()), float(d.std(ddof=1) / len(d) ** 0.5)

    def play(self, order=None) -> int | None:
        """Run whatever is ready, in the given order of numbers, until nothing is; the best candidate."""
        left = list(range(self.rule.count)) if order is None else order
        while left:
            number = next(n for n in left if self.rule.entry(n, self) is not Undecided.WAITING)
            left.remove(number)
            entry = self.rule.entry(number, self)
            if entry is not Undecided.UNNEEDED:
                self.measured[number] = self.block_losses(entry.configuration, entry.seed)
        return self.rule.best(self)

    def configuration(self) -> dict:
        """The configuration that the search ends in."""
        best = self.play()
        return self.rule.candidates(self)[best]

    def line(self, number: int = 1) -> Line:
        return self.rule.search(self)[0][number - 1]


def one_scalar(evaluations: int, scalar: Range = FINE, seeds: int = 1) -> ExtremeAndMean:
    return ExtremeAndMean({"rate": 0.9}, (scalar,), tuple(range(seeds)), 10, evaluations)


def valley(optimum: float, **others: float):
    """Losses without noise that fall to the optimum of each scalar and rise from it."""
    optima = {"rate": optimum, **others}
    return lambda at, seed: np.full(4, 5 + sum(abs(at[name] - best) ** 1.5 for name, best in optima.items()))


def noisy(optimum: float, deviation: float, draw: int, blocks: int = 30):
    """The same with noise by block and configuration, as float32 text would have it."""

    def block_losses(at, seed):
        address = f"test-golden-{sorted(at.items())}"
        noise = stream(seed + 100 * draw, address).normal(0, deviation, blocks)
        return valley(optimum)(at, seed)[0] + noise

    return block_losses


def test_a_line_of_four_by_hand():
    """Cuts at 0.618, 0.382 and so on; the optimum at 0.3."""
    known = Losses(one_scalar(4), valley(0.3))
    assert known.play() == 3
    tried = [at["rate"] for at in known.rule.candidates(known)]
    assert tried == pytest.approx([0.9, 0.381966, 0.618034, 0.236068, 0.145898], abs=1e-6)
    pairs = [(c.one, c.other, c.better) for c in known.rule.comparisons(known)]
    assert pairs == [(1, 2, 1), (3, 1, 3), (4, 3, 3), (0, 3, 3)]
    line = known.line()
    assert (float(line.low), float(line.width)) == pytest.approx((0.145898, 0.236068), abs=1e-6)


@pytest.mark.parametrize("k", [2, 3, 5, 12, 20])
def test_the_interval_after_k_evaluations_and_one_evaluation_a_step(k):
    """Exactly, as i + j g with integers; and every evaluation but the first makes one cut."""
    for optimum in (0.1, 0.6, 0.77):
        known = Losses(one_scalar(k), valley(optimum))
        known.play()
        line, power = known.line(), Length(1, 0)
        for _ in range(k - 1):
            power = power.greater()
        assert line.width == power and line.evaluations == k == len(known.measured) - 1
        assert float(line.width) == pytest.approx(PHI ** -(k - 1), rel=1e-6)
        assert len(line.comparisons) == (k - 1) + 1, "and one with the value that there was"


@pytest.mark.parametrize("optimum", [0.0, 0.05, 0.3, 0.5, 0.62, 0.99, 1.0])
def test_the_optimum_of_one_valley_is_inside(optimum):
    for k in (2, 4, 9, 16):
        known = Losses(one_scalar(k), valley(optimum))
        best, line = known.play(), known.line()
        assert float(line.low) - 1e-9 <= optimum <= float(line.low + line.width) + 1e-9
        if line.best:
            assert abs(known.rule.candidates(known)[best]["rate"] - optimum) <= float(line.width)


@pytest.mark.parametrize("optimum", [0.2, 0.3, 0.45, 0.6])
def test_scipy_evaluates_the_same(optimum):
    """Its golden section from the same triple, with its constant of eight digits."""
    tried = []

    def loss(t):
        tried.append(t)
        return valley(optimum)({"rate": t}, 0)[0]

    optimize.golden(loss, brack=(0.0, 2 - PHI, 1.0), maxiter=14)
    first = tried[3:]  # it looks at the triple before
    known = Losses(one_scalar(14), valley(optimum))
    known.play()
    ours = [at["rate"] for at in known.rule.candidates(known)[1:]]
    count = min(len(ours), len(first))
    assert count >= 12
    np.testing.assert_allclose(sorted(ours[:count]), sorted(first[:count]), atol=1e-6)


def test_a_line_ends_where_the_error_hides_the_difference_and_says_so():
    known = Losses(one_scalar(12, RATE), noisy(0.4, 0.05, 0))
    known.play()
    line = known.line()
    assert line.hidden and 2 < line.evaluations < 12
    last = line.comparisons[-2]
    assert not last.significant and abs(last.difference) < known.rule.critical * last.error
    assert all(c.significant for c in line.comparisons[:-2])
    (note,) = known.rule.notes(known)
    assert f"after {line.evaluations} evaluations, since the standard error hides the next difference" in note
    assert known.rule.entry(12, known) is Undecided.UNNEEDED


def test_no_cut_removes_the_optimum_more_often_than_alpha_allows():
    tries, removed = 120, 0
    for draw in range(tries):
        optimum = (draw % 10) / 9
        rule = replace(one_scalar(8), alpha=0.2)
        known = Losses(rule, noisy(optimum, 0.3, draw))
        known.play()
        line = known.line()
        removed += not float(line.low) - 1e-9 <= optimum <= float(line.low + line.width) + 1e-9
    assert removed / tries <= 0.1 + 3 * (0.1 * 0.9 / tries) ** 0.5


def two_scalars(evaluations: int) -> ExtremeAndMean:
    ranges = Fine("rate", 1e-4, 1e-1, log=True), Fine("decay", 0.0, 4.0)
    return ExtremeAndMean({"rate": 1e-4, "decay": 0.0}, ranges, (0,), 10, evaluations)


def test_scalars_take_turns_until_none_moves():
    known = Losses(two_scalars(40), valley(3e-3, decay=1.0))
    best = known.configuration()
    lines, configurations = known.rule.search(known)
    assert [line.scalar.name for line in lines[:2]] == ["rate", "decay"]
    assert best["decay"] == pytest.approx(1.0, abs=4 * PHI**-18) and best["rate"] == pytest.approx(3e-3, rel=1e-2)
    measured = [known.measured[line.start][0] for line in lines] + [known.measured[lines[-1].best][0]]
    assert measured == sorted(measured, reverse=True), "no turn makes it worse"
    for line in lines:
        other = {"rate": "decay", "decay": "rate"}[line.scalar.name]
        tried = [configurations[c][other] for pair in line.comparisons for c in (pair.one, pair.other)]
        assert {*tried} == {configurations[line.start][other]}, "the others keep their values"
    still = Losses(two_scalars(40), lambda at, seed: np.full(4, 5.0))
    assert still.play() == 0 and [line.hidden for line in still.rule.search(still)[0]] == [True, True]
    assert len(still.measured) == 5, "and nothing is tried again where nothing has moved"


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_order_of_work_changes_nothing(seeds):
    rule = replace(two_scalars(12), seeds=tuple(range(seeds)))

    def block_losses(at, seed):
        return valley(2e-3, decay=2.0)(at, seed)[0] + stream(seed, f"test-golden-{at['rate']}").normal(0, 0.02, 12)

    reference = Losses(rule, block_losses)
    best = reference.play()
    for draw in range(3):
        other = Losses(rule, block_losses)
        assert other.play(list(stream(draw, "test-golden-shuffle").permutation(rule.count))) == best
        assert rule.candidates(other) == rule.candidates(reference)


def test_the_first_two_of_a_line_can_be_worked_on_at_once_and_no_others():
    rule = one_scalar(6)
    known = Losses(rule, valley(0.3))
    ready = [number for number in range(rule.count) if isinstance(rule.entry(number, known), Entry)]
    assert ready == [0, 1, 2]


def test_what_diverges_is_cut_off():
    known = Losses(one_scalar(8), lambda at, s: np.full(4, np.inf) if at["rate"] > 0.5 else valley(0.3)(at, s))
    best = known.configuration()
    assert best["rate"] == pytest.approx(0.3, abs=PHI**-7)


def task(**changes) -> Task:
    default = {"peak_lr": 1e-3, "dropout": 0.1}
    ranges = Range("peak_lr", 3e-4, 4e-3, log=True), Range("dropout", 0.0, 0.3)
    return replace(Task(16, 6400, (1, 2), 10001, lambda count: [default] * count, ranges), **changes)


def test_all_runs_are_as_long_as_the_budget_allows():
    rule = golden(task())
    assert rule.steps == 200 and rule.allotted == 6400 and rule.count == 32
    assert golden(task(budget=6400 + 31)).steps == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(candidates=4), "a line needs two candidates besides the default: give 5 or more for 2, not 4"),
        (dict(budget=31), "16 candidates need 32 or more"),
        (dict(budget=10**6), "beyond the contract's 10001: give 320032 at most"),
        (dict(draw=lambda count: [{"moe": False}] * count), "a line has numbers on it, and 'moe' is on or off"),
    ],
)
def test_what_makes_no_line_is_one_sentence(changes, words):
    with pytest.raises(PersonaError, match=words):
        golden(task(**changes))


def test_values_are_within_the_range_and_can_be_written_down():
    assert [Range("a", 50, 400, integer=True).at(t) for t in (0, 0.5, 1)] == [50, 225, 400]
    assert Range("a", 1e-4, 1e-2, log=True).at(0.5) == 1e-3
    assert Range("a", 0.12345, 1).at(0) == 0.12345


@pytest.fixture(scope="module")
def finished():
    """(setup, outcome) of Euclid's search over the default's four ranges, in the engine."""
    setup = example(candidates=24, budget=4800, persona="euclid")
    return setup, outcome(setup, work(Study(optuna.storages.InMemoryStorage(), "example", setup, 30.0), losses))


def test_the_engine_runs_it_and_saves_what_the_error_hides(finished):
    setup, result = finished
    assert result.best > 0 and result.gain > 0
    assert setup.rule.critical * result.error < result.gain, "nothing moves but by more than the error explains"
    assert result.spent <= result.allotted == 4800
    assert abs(np.log(result.candidates[result.best]["peak_lr"] / 1.5e-3)) < 0.4
    record = persona_record(setup, "example", result)
    assert record["persona"] == "euclid" and set(record["recipe"]) == {*setup.space.ranges}


def test_the_page_shows_the_lines(finished):
    setup, result = finished
    text = render(setup, "example", result, persona_record(setup, "example", result))
    assert "<h2>The lines</h2>" in text and "Line 1, peak_lr" in text and 'class="stages lines"' in text
    assert len(result.notes) >= 4 and all(note in text for note in result.notes)
