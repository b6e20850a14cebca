"""The bracket by hand and its theorems: the budget, exact comparisons, Hoeffding's bound, the order of work."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf, log2

import numpy as np
import pytest

from lyceum.personas import PersonaError
from lyceum.personas.aristotle.search import Dialectic, dialectic
from lyceum.personas.spec.search import Entry, Task, Undecided
from lyceum.rng import stream

SIZES = [(2, 1), (4, 1), (8, 1), (16, 1), (4, 3), (8, 2)]


class Losses:
    """Evidence of which everything is known: the loss of each run on each block, for the runs that were played."""

    def __init__(self, rule: Dialectic, block_losses):
        """block_losses: (thesis, seed, steps) -> (K,), nats per token."""
        self.rule, self.block_losses = rule, block_losses
        self.measured: dict[int, np.ndarray] = {}
        self.entries: dict[int, Entry] = {}
        self.known: dict[tuple, tuple[float, float]] = {}

    def finished(self, number):
        return number in self.measured

    def difference(self, ones, others):
        if (*ones, *others) not in self.known:
            one, other = (np.mean([self.measured[n] for n in side], axis=0) for side in (ones, others))
            d = other - one
            self.known[*ones, *others] = float(d.mean()), float(d.std(ddof=1) / len(d) ** 0.5)
        return self.known[*ones, *others]

    def play(self, order=None):
        """Run whatever is ready, in the given order of numbers, until nothing is; the last thesis."""
        left = list(range(self.rule.count)) if order is None else order
        while left:
            number = next(n for n in left if self.rule.entry(n, self) is not Undecided.WAITING)
            left.remove(number)
            entry = self.rule.entry(number, self)
            if entry is not Undecided.UNNEEDED:
                self.entries[number] = entry
                self.measured[number] = self.block_losses(entry.candidate, entry.seed, entry.steps)
        return self.rule.best(self)

    def spent(self):
        longest = {}
        for entry in self.entries.values():
            key = entry.candidate, entry.seed
            longest[key] = max(entry.steps, longest.get(key, 0))
        return sum(longest.values())


def bracket(n: int, seeds: int = 1, first: int = 3) -> Dialectic:
    return Dialectic(tuple({"peak_lr": 1e-3 * (i + 1)} for i in range(n)), tuple(range(seeds)), first)


def drawn(g: np.random.Generator, gap: float, width: float, best: int, blocks: int = 8):
    """Losses in which one thesis leads by `gap` in the mean, with noise by block that takes two values."""

    def block_losses(thesis, seed, steps):
        return 5.0 + gap * (thesis != best) + width * (g.integers(2, size=blocks) - 0.5)

    return block_losses


@pytest.mark.parametrize(("n", "seeds"), SIZES)
def test_numbers_and_addresses_are_inverse(n, seeds):
    rule = bracket(n, seeds)
    assert [rule.number(*rule.address(number)) for number in range(rule.count)] == list(range(rule.count))
    assert rule.address(0) == (1, 0, 0) and rule.address(rule.count - 1) == (rule.rounds, seeds - 1, 1)


def test_a_bracket_of_four_by_hand():
    rule = bracket(4, first=5)
    losses = Losses(rule, lambda thesis, seed, steps: np.array([3.0, 3.2]) - 0.1 * thesis)
    assert rule.entry(4, losses) is Undecided.WAITING
    assert losses.play() == 3
    runs = [(e.candidate, e.steps) for _, e in sorted(losses.entries.items())]
    assert runs == [(0, 5), (1, 5), (2, 5), (3, 5), (1, 15), (3, 15)]
    assert losses.spent() == 5 + 15 + 5 + 15 == rule.allotted
    differences = [(c.stage, c.one, c.other, c.better) for c in rule.comparisons(losses)]
    assert differences == [(1, 0, 1, 1), (1, 2, 3, 3), (2, 1, 3, 3)]


@pytest.mark.parametrize(("n", "seeds"), SIZES)
def test_the_budget_is_exactly_b_log2_n(n, seeds):
    """Every round trains B = n u S iterations; a race saves some of them, and never more are spent."""
    rule = bracket(n, seeds, first=7)
    per_round = 7 * n * seeds
    assert rule.allotted == per_round * log2(n)
    for r in range(1, rule.rounds + 1):
        assert (rule.steps(r) - (rule.steps(r - 1) if r > 1 else 0)) * (n >> (r - 1)) * seeds == per_round
    never = Losses(replace(rule, alpha=1e-300), drawn(stream(0, "test-search"), 0.0, 1.0, 0))
    never.play()
    assert never.spent() == rule.allotted, "no race ends early"
    always = Losses(rule, lambda thesis, seed, steps: np.array([5.0, 5.0]) + thesis)
    always.play()
    assert always.spent() == rule.allotted / seeds, "every race ends after its first seed"


def test_with_one_seed_the_budget_is_spent_exactly():
    rule = bracket(16)
    for draw in range(5):
        losses = Losses(rule, drawn(stream(draw, "test-search-one"), 0.05, 0.3, draw))
        losses.play()
        assert losses.spent() == rule.allotted


@pytest.mark.parametrize(("n", "seeds"), SIZES)
def test_with_exact_comparisons_the_best_survives(n, seeds):
    for draw in range(20):
        values = stream(draw, "test-search-exact").permutation(n) / 8
        losses = Losses(bracket(n, seeds), lambda thesis, seed, steps, v=values: np.full(4, v[thesis] + 1 / steps))
        assert losses.play() == np.argmin(values)


@pytest.mark.parametrize(("n", "seeds", "gap"), [(8, 1, 0.6), (8, 1, 0.8), (8, 3, 0.8), (2, 1, 0.5)])
def test_the_best_is_lost_no_more_often_than_hoeffding_allows(n, seeds, gap):
    """Noise of width 1 on each side, so differences of width 2; the seeds are averaged, which only helps."""
    blocks, tries = 8, 300
    bound = seeds * log2(n) * exp(-2 * blocks * gap**2 / 2**2)
    lost = 0
    for draw in range(tries):
        best = draw % n
        losses = Losses(bracket(n, seeds), drawn(stream(draw, "test-search-noise"), gap, 1.0, best, blocks))
        lost += losses.play() != best
    assert bound < 1
    assert lost / tries <= bound


def test_the_bound_of_one_look_is_not_empty():
    """The same simulation with hardly a gap loses often: the noise is there."""
    lost = [Losses(bracket(8), drawn(stream(draw, "test-search-lost"), 0.01, 1.0, 0)).play() != 0 for draw in range(60)]
    assert np.mean(lost) > 0.5


@pytest.mark.parametrize(("n", "seeds"), SIZES)
def test_the_order_of_work_changes_nothing(n, seeds):
    rule = bracket(n, seeds)

    def block_losses(thesis, seed, steps):
        return stream(seed, f"test-search-order-{thesis}", steps).normal(5, 0.1, 12)

    reference = Losses(rule, block_losses)
    best = reference.play()
    for draw in range(5):
        other = Losses(rule, block_losses)
        assert other.play(list(stream(draw, "test-search-shuffle").permutation(rule.count))) == best
        assert other.entries == reference.entries


def test_a_race_ends_as_soon_as_the_error_does_not_explain_the_difference():
    rule = bracket(2, 3)
    clear = Losses(rule, lambda thesis, seed, steps: np.array([5.0, 5.1, 5.2]) + thesis)
    clear.play()
    assert len(clear.entries) == 2 and rule.comparisons(clear)[0].significant
    assert [rule.entry(number, clear) for number in range(2, 6)] == [Undecided.UNNEEDED] * 4
    hidden = Losses(rule, lambda thesis, seed, steps: stream(seed, f"test-race-{thesis}").normal(5, 1, 10))
    hidden.play()
    (comparison,) = rule.comparisons(hidden)
    assert comparison.seeds == 3 and not comparison.significant and comparison.better is not None


def test_a_tie_goes_to_the_lower_position_and_divergence_loses():
    assert Losses(bracket(2), lambda thesis, seed, steps: np.ones(3)).play() == 0
    rule = bracket(2)
    losses = Losses(rule, lambda thesis, seed, steps: np.ones(3))
    losses.difference = lambda ones, others: (-inf, 0.0)
    assert losses.play() == 1


def task(**changes) -> Task:
    configurations = [{"peak_lr": float(i + 1)} for i in range(64)]
    return replace(Task(16, 6400, (1, 2), 10001, lambda count: configurations[:count]), **changes)


def test_the_first_length_is_the_greatest_that_the_budget_allows():
    rule = dialectic(task())
    assert rule.first == 50 and rule.allotted == 6400 and len(rule.theses) == 16
    assert dialectic(task(budget=6400 + 127)).allotted == 6400
    assert dialectic(task(budget=6400 + 128)).first == 51


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(candidates=6), "2, 4, 8, 16, ... candidates, not 6"),
        (dict(candidates=1), "candidates, not 1"),
        (dict(budget=127), "16 candidates need 128 or more"),
        (dict(budget=10**6), "beyond the contract's 10001: give 85248 at most"),
    ],
)
def test_what_makes_no_bracket_is_one_sentence(changes, words):
    with pytest.raises(PersonaError, match=words):
        dialectic(task(**changes))
