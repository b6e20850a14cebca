"""E12, extreme and mean ratio: an interval that holds the best value is cut in one ratio, again and again.

Idea. To find the lowest point of a line, compare two points within it, and cut off the end beyond the worse. If the cut
is in extreme and mean ratio (the whole to the greater part as the greater to the less), the point that stays divides
what is left in that ratio again: each further cut needs one new point. Several scalars take their turns, each on its
own line while the others keep their values. And nothing is cut without proof: where the standard error explains the
difference, the line ends, and the search says so.

Equations, with g = (sqrt 5 - 1) / 2 = 1 / phi, so g^2 = 1 - g; S seeds, all runs of T iterations:
    line          t in [a, a + w], the share of a scalar's range, or of its logarithm; at first a = 0, w = 1
    points        p = a + g^2 w,   q = a + g w
    difference    d_b = mean over the seeds of (loss at q - loss at p) on held-out block b;
                  d = sum_b d_b / sum_b n_b, se its standard error (`lyceum.training.evaluation`)
    cut           d >=  z se:   w <- g w;            the new q is p, for a + g (g w) = a + g^2 w
                  d <= -z se:   a <- p, w <- g w;    the new p is q, for p + g^2 (g w) = a + g^2 (1 + g) w = a + g w
    end           |d| < z se, or n points are evaluated
    turn          the scalar takes the better of the last two if that beats its value by z se, else it stays
    z             Phi^-1(1 - alpha / (2 m)), m evaluations, so m comparisons at most
A point is a number i + j g of integers, and g (i + j g) = j + (i - j) g: the point that stays is not nearly the new
one, it is that one. The scalars go round while there are two evaluations left, and until each has been tried since
another last moved. A point that has diverged is worse than any that has not.

Theorems.
 1. (interval) After k evaluations of a line w = g^(k-1), exactly; each evaluation after the first makes one cut.
 2. (inside) If the loss falls strictly up to t* and rises strictly after it, and comparisons are exact, then t* is in
    [a, a + w]: were t* >= q > p, the loss would fall from p to q, so p is no better; and so at the other end.
 3. (noise) Let every d be normal about its mean. On a line of such a loss no cut removes t* with probability
    1 - alpha / 2 or more. Proof: the cuts are right up to a first wrong one, so that one is among the at most m
    comparisons of the line on which all were right; these do not depend on noise, and each errs beyond z se on the
    wrong side with probability alpha / (2 m).
 4. (turns) No scalar moves but to what was measured to be better than its value, by more than z se.
 5. (order) Which point comes next follows from the results of earlier ones, whoever computed them and when.

Better than what was planned: the interval is cut only by a difference beyond the error, so that the last interval can
be trusted, and not only its length. What the theorems leave out: a loss along a line need not have one valley; turns
may stop where two scalars would have to move together; and the error is over texts, as in A12.

Cost: S T iterations an evaluation; a grid as fine needs phi^(k-1) of them for k. All runs are as long as the last, as a
bracket's are not: what is compared is what is asked. But a step waits for the one before: S workers have work, 2 S at
the beginning of a line.

Sources: Elements II.11, VI.30 and definition VI.3; Kiefer 1953 (golden section); Brent 1973 (unimodal, and that
nothing below the error can be found). The points are those of `scipy.optimize.golden`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from scipy.special import ndtri

from lyceum.personas.euclid.search.line import Length, Line
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.search import Comparison, Configuration, Entry, Evidence, Range, Task, Undecided
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class ExtremeAndMean:
    """default: candidate 0. ranges: of the scalars, in turn. steps: T. evaluations: m, besides candidate 0's.

    alpha: the error of all comparisons together. A run's number is S times its candidate, and the seed's position.
    """

    layout: ClassVar[str] = "lines"

    default: Configuration
    ranges: tuple[Range, ...]
    seeds: tuple[int, ...]
    steps: int
    evaluations: int
    alpha: float = 0.05

    @property
    def count(self) -> int:
        return len(self.seeds) * (self.evaluations + 1)

    @property
    def allotted(self) -> int:
        return self.count * self.steps

    @property
    def critical(self) -> float:
        """z."""
        return float(ndtri(1 - self.alpha / (2 * self.evaluations)))

    def search(self, evidence: Evidence) -> tuple[list[Line], list[Configuration]]:
        """The lines so far, and the configurations of all candidates so far. A line is over if it has a best."""
        lines, known, start = [], [self.default], 0
        while start is not None and self._goes_on(lines, len(known)):
            line = Line(len(lines) + 1, self.ranges[len(lines) % len(self.ranges)], start)
            self._follow(line, known, evidence)
            lines.append(line)
            start = line.best
        return lines, known

    def _goes_on(self, lines: list[Line], known: int) -> bool:
        since = lines[len(lines) - len(self.ranges) + 1 :]  # the others' turns after the next scalar's last
        moved = len(lines) < len(self.ranges) or any(line.best != line.start for line in since)
        return moved and self.evaluations + 1 - known >= 2

    def _follow(self, line: Line, known: list[Configuration], evidence: Evidence) -> None:
        """Follow a line as far as the evidence goes; its new candidates join those known."""
        most = min(self.evaluations // len(self.ranges), self.evaluations + 1 - len(known))
        one, other = (self._evaluated(line, t, known) for t in line.inner())
        while True:
            comparison = self._compared(line, one, other, evidence)
            if comparison.better is None:
                return
            line.hidden = not comparison.significant
            if line.hidden:
                break
            upper = comparison.better == other
            line.cut(upper)
            if line.evaluations == most:
                break
            p, q = line.inner()
            one, other = (other, self._evaluated(line, q, known)) if upper else (self._evaluated(line, p, known), one)
        turn = self._compared(line, line.start, comparison.better, evidence)
        if turn.better is not None:
            line.best = turn.better if turn.significant else line.start
            line.comparisons[-1] = replace(turn, better=line.best)

    def _evaluated(self, line: Line, t: Length, known: list[Configuration]) -> int:
        """The candidate at t."""
        known.append({**known[line.start], line.scalar.name: line.scalar.at(float(t))})
        line.evaluations += 1
        return len(known) - 1

    def _compared(self, line: Line, one: int, other: int, evidence: Evidence) -> Comparison:
        comparison = Comparison(line.number, self.steps, one, other)
        sides = [[len(self.seeds) * each + s for s in range(len(self.seeds))] for each in (one, other)]
        if all(map(evidence.finished, sides[0] + sides[1])):
            d, error = evidence.difference(*sides)
            figures = dict(seeds=len(self.seeds), difference=d, error=error, better=one if d >= 0 else other)
            comparison = replace(comparison, significant=abs(d) >= self.critical * error and d != 0, **figures)
        line.comparisons.append(comparison)
        return comparison

    def entry(self, number: int, evidence: Evidence) -> Entry | Undecided:
        candidate, seed = divmod(number, len(self.seeds))
        lines, known = self.search(evidence)
        if candidate < len(known):
            return Entry(candidate, known[candidate], self.seeds[seed], self.steps)
        return Undecided.WAITING if lines[-1].best is None else Undecided.UNNEEDED

    def candidates(self, evidence: Evidence) -> Sequence[Configuration]:
        return self.search(evidence)[1]

    def comparisons(self, evidence: Evidence) -> list[Comparison]:
        return [comparison for line in self.search(evidence)[0] for comparison in line.comparisons]

    def stage(self, number: int) -> str:
        return f"Line {number}, {self.ranges[(number - 1) % len(self.ranges)].name}"

    def notes(self, evidence: Evidence) -> list[str]:
        lines, known = self.search(evidence)
        return [line.note(known) for line in lines if line.best is not None]

    def best(self, evidence: Evidence) -> int | None:
        return self.search(evidence)[0][-1].best


def golden(task: Task) -> ExtremeAndMean:
    """Runs as long as the budget allows. Raises PersonaError, one sentence."""
    n, scalars, (default,) = task.candidates, len(task.ranges), task.draw(1)
    if switches := [name for name, value in default.items() if isinstance(value, bool)]:
        raise PersonaError(f"a line has numbers on it, and {switches[0]!r} is on or off: leave --switch out.")
    if n < 1 + 2 * scalars:
        raise PersonaError(
            f"a line needs two candidates besides the default: give {1 + 2 * scalars} or more for {scalars}, not {n}."
        )
    runs = n * len(task.seeds)
    steps = task.budget // runs
    if not steps:
        raise PersonaError(f"a budget of {task.budget} iterations is too little: {n} candidates need {runs} or more.")
    if steps > task.longest:
        raise PersonaError(
            f"with a budget of {task.budget} iterations all would train beyond the contract's {task.longest}: "
            f"give {runs * task.longest} at most, or more candidates."
        )
    return ExtremeAndMean(default, task.ranges, task.seeds, steps, n - 1)


SYSTEM = System(
    "search",
    "E12, extreme and mean ratio",
    job="search of a recipe: golden section of one number after another, as far as the standard error can see",
    search=golden,
    command="lyceum search euclid",
)
