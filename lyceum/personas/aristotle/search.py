"""A12, dialectic: of two opposed theses one is refuted, and the other goes on to the next dispute.

Idea. A thesis is a configuration of the recipe. To know which of n is best, train none of them to the end: let them
dispute in pairs, for as long as it takes to hear a difference. The losers leave, and the winners are heard twice as
long. Dialectic begins with the received opinion, so thesis 0 is the persona's own recipe, and the others must refute
it. Both sides of a dispute see the same seed, batches, noise and held-out text: what makes a text hard makes it hard
for both, and cancels.

Equations, for n = 2^R theses, S seeds and a first length u:
    round r = 1..R        2^(R-r) disputes between neighbours, theses trained from T_(r-1) to T_r = u (2^r - 1)
    difference            d_b = mean over the seeds so far of (loss of the other - loss of the one) on held-out block b
                          d = sum_b d_b / sum_b n_b, se its standard error (`lyceum.training.evaluation`)
    race                  after each seed but the last: decided if |d| >= z se; then the later seeds are not run
    decision              the sign of d; a tie goes to the thesis of the lower place in the bracket
    z                     Phi^-1(1 - alpha / (2 (n - 1) S)): all (n - 1) S tests together err with probability alpha at
                          most, if d is normal
A thesis that has diverged loses to any that has not.

Theorems.
 1. Budget. A round has n / 2^(r-1) theses, which each train T_r - T_(r-1) = u 2^(r-1) iterations on each of S seeds:
    n u S =: B in every round, exactly B log2 n altogether. With one seed that is what is spent. With more, a seed that
    the race leaves out is trained later, from its start to T_r at once, or never. So for every thesis and seed what is
    spent is T of the last round in which that seed ran, and spent + saved = B log2 n, saved >= 0.
 2. Exact comparisons. If one thesis is better than each of the others at every T_r, it wins every dispute it is in, and
    it is in one of every round: it survives.
 3. Noise. Let the d_b of the best thesis against an opponent be independent over K blocks of equal size, for each
    number of seeds, within an interval of width w (nats a token), and of mean at least D > 0. Each of the at most S
    looks of a dispute can go wrong only if the mean of K such numbers is <= 0, which Hoeffding bounds by
    exp(-2 K D^2 / w^2). The best meets log2 n opponents, so it is lost with probability at most
    S log2(n) exp(-2 K D^2 / w^2). Nothing is asked of the dependence of seeds, disputes and rounds.
 4. Order. Who is in a dispute follows from the results of earlier rounds alone, whoever computed them and when.

What the theorems leave out: a thesis that is best early need not be best late. All that a bracket can do is to hear the
last two for longest, half of the last round's budget each. And the error is over texts; how much a difference varies
over seeds, several seeds show.

Cost: B log2 n iterations, n - 1 comparisons. Against training all n to T_R = u (n - 1): log2 n / (n - 1) of it.
Better than what was planned: a race that stops within a run would judge a configuration by its first iterations, where
a high rate always leads; so the race is over seeds, as in irace, where an instance is a whole run.

Sources: Karnin, Koren & Somekh 2013 and Jamieson & Talwalkar 2016 (successive halving); Birattari et al. 2002 and
Lopez-Ibanez et al. 2016 (F-race, irace); Hoeffding 1963; Aristotle, Topics I.1-2 and VIII.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from scipy.special import ndtri

from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.search import Comparison, Configuration, Entry, Evidence, Task, Undecided
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Dialectic:
    """theses: n of them. seeds: S of them. first: u. alpha: the error of all tests together.

    Numbers of runs: by round, by seed, by position in the bracket.
    """

    layout: ClassVar[str] = "bracket"

    theses: Sequence[Configuration]
    seeds: tuple[int, ...]
    first: int
    alpha: float = 0.05

    @property
    def rounds(self) -> int:
        """R."""
        return len(self.theses).bit_length() - 1

    @property
    def count(self) -> int:
        return len(self.seeds) * 2 * (len(self.theses) - 1)

    @property
    def allotted(self) -> int:
        return self.first * len(self.theses) * len(self.seeds) * self.rounds

    @property
    def critical(self) -> float:
        """z."""
        return float(ndtri(1 - self.alpha / (2 * (len(self.theses) - 1) * len(self.seeds))))

    def steps(self, r: int) -> int:
        """T_r."""
        return self.first * (2**r - 1)

    def number(self, r: int, seed: int, position: int) -> int:
        """The number of a run: round r from 1, seed and position from 0."""
        n = len(self.theses)
        width = n >> (r - 1)
        return len(self.seeds) * 2 * (n - width) + seed * width + position

    def address(self, number: int) -> tuple[int, int, int]:
        """(round, seed, position) of a run."""
        r = next(r for r in range(1, self.rounds + 1) if number < self.number(r + 1, 0, 0))
        return r, *divmod(number - self.number(r, 0, 0), len(self.theses) >> (r - 1))

    def entry(self, number: int, evidence: Evidence) -> Entry | Undecided:
        r, seed, position = self.address(number)
        thesis = self.thesis(r, position, evidence)
        if thesis is None:
            return Undecided.WAITING
        if seed:
            comparison = self.dispute(r, position // 2, evidence)
            if comparison.better is not None and comparison.seeds <= seed:
                return Undecided.UNNEEDED
            if comparison.seeds < seed:
                return Undecided.WAITING
        return Entry(thesis, self.theses[thesis], self.seeds[seed], self.steps(r))

    def thesis(self, r: int, position: int, evidence: Evidence) -> int | None:
        """The thesis at a position of round r (R + 1: the last one of all); None if it is not known yet."""
        return position if r == 1 else self.dispute(r - 1, position, evidence).better

    def dispute(self, r: int, j: int, evidence: Evidence) -> Comparison:
        """The j-th dispute of round r, between places 2j and 2j + 1, as far as it has come."""
        one, other = (self.thesis(r, position, evidence) for position in (2 * j, 2 * j + 1))
        known = Comparison(r, self.steps(r), one, other)
        ones, others = ([self.number(r, s, 2 * j + side) for s in range(len(self.seeds))] for side in (0, 1))
        for seeds in range(1, len(self.seeds) + 1):
            if None in (one, other) or not all(evidence.finished(side[seeds - 1]) for side in (ones, others)):
                return known
            difference, error = evidence.difference(ones[:seeds], others[:seeds])
            significant = abs(difference) >= self.critical * error and difference != 0
            better = one if difference >= 0 else other
            decided = significant or seeds == len(self.seeds)
            known = Comparison(
                r, self.steps(r), one, other, seeds, difference, error, significant, better if decided else None
            )
            if decided:
                break
        return known

    def candidates(self, evidence: Evidence) -> Sequence[Configuration]:
        return self.theses

    def comparisons(self, evidence: Evidence) -> list[Comparison]:
        return [self.dispute(r, j, evidence) for r, j in self.disputes()]

    def disputes(self) -> Iterator[tuple[int, int]]:
        """(round, j) of all n - 1 disputes, in order."""
        for r in range(1, self.rounds + 1):
            yield from ((r, j) for j in range(len(self.theses) >> r))

    def stage(self, number: int) -> str:
        return f"Round {number}"

    def notes(self, evidence: Evidence) -> list[str]:
        return []

    def best(self, evidence: Evidence) -> int | None:
        return self.thesis(self.rounds + 1, 0, evidence)


def dialectic(task: Task) -> Dialectic:
    """The bracket with the greatest u that the budget allows. Raises PersonaError, one sentence."""
    n, seeds = task.candidates, len(task.seeds)
    if n < 2 or n & (n - 1):
        raise PersonaError(f"a bracket has 2, 4, 8, 16, ... candidates, not {n}: choose a power of two.")
    a_unit = n * seeds * (n.bit_length() - 1)
    first = task.budget // a_unit
    if not first:
        raise PersonaError(f"a budget of {task.budget} iterations is too little: {n} candidates need {a_unit} or more.")
    if first * (n - 1) > task.longest:
        most = task.longest // (n - 1) * a_unit
        raise PersonaError(
            f"with a budget of {task.budget} iterations the last two would train beyond the contract's {task.longest}: "
            f"give {most} at most, or more candidates."
        )
    return Dialectic(tuple(task.draw(n)), task.seeds, first)


SYSTEM = System(
    "search",
    "A12, dialectic",
    job="search of a recipe: configurations compared in pairs on the same batches, the winners trained longer",
    search=dialectic,
    command="lyceum search aristotle",
)
