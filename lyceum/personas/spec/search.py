"""What a persona's search is to the engine that runs it: a rule that says, of every numbered run, what it is.

A search is a fixed number of runs, 0, 1, 2, ... Each is a candidate trained on one seed up to some iteration and then
measured on text that no run trains on. Which candidate has a number may follow from the results of smaller numbers, and
from nothing else: so whoever works, in whatever order, finds the same runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol

Configuration = Mapping[str, float | bool]  # {recipe's field: value, system's name: whether it is enabled}

DIGITS = 3  # significant digits of a value


@dataclass(frozen=True)
class Range:
    """A number that is searched, from low to high.

    log: whether equal ratios, not equal differences, are equal parts of the range. integer: whether it is one.
    """

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False

    def at(self, share: float) -> float:
        """The value that divides the range so, rounded: low at 0, high at 1."""
        if self.log:
            return self.rounded(self.low * (self.high / self.low) ** share)
        return self.rounded(self.low + share * (self.high - self.low))

    def rounded(self, value: float) -> float:
        """A value within the range as it is written down."""
        if self.integer:
            return round(value)
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


@dataclass(frozen=True)
class Entry:
    """A run: the candidate's number and configuration, the seed, and up to which iteration it is trained."""

    candidate: int
    configuration: Configuration
    seed: int
    steps: int


class Undecided(Enum):
    """What an entry is if it is no run yet: it depends on results that are missing, or will never be needed."""

    WAITING = "waiting"
    UNNEEDED = "unneeded"


@dataclass(frozen=True)
class Comparison:
    """Two candidates compared in a stage (from 1) of the search.

    steps: iterations of both. seeds: how many were used. difference, error: the loss of `other` less that of `one`,
    nats per token, and its paired standard error. significant: whether the difference is beyond what the error
    explains. better: the candidate that goes on. None where it is not known yet.
    """

    stage: int
    steps: int
    one: int | None = None
    other: int | None = None
    seeds: int = 0
    difference: float | None = None
    error: float | None = None
    significant: bool = False
    better: int | None = None


class Evidence(Protocol):
    """The results so far."""

    def finished(self, number: int) -> bool:
        """Whether the run of that number is measured."""

    def difference(self, ones: Sequence[int], others: Sequence[int]) -> tuple[float, float]:
        """The mean loss of the runs `others` less that of the runs `ones`, on the same text, and its standard error."""


class Rule(Protocol):
    """The search of a persona: a frozen dataclass of JSON-able values, by which studies are told apart.

    count: the number of runs. allotted: iterations that may be spent. layout: how the page shows the comparisons, as a
    "bracket" or as "lines". Candidate 0 is the persona's default recipe.
    """

    count: int
    allotted: int
    layout: ClassVar[str]

    def candidates(self, evidence: Evidence) -> Sequence[Configuration]:
        """The configurations by candidate, as far as they are known."""

    def entry(self, number: int, evidence: Evidence) -> Entry | Undecided:
        """What the run of that number is."""

    def comparisons(self, evidence: Evidence) -> list[Comparison]:
        """Every comparison that the search makes, in order, as far as it is known."""

    def stage(self, number: int) -> str:
        """The title of a stage."""

    def notes(self, evidence: Evidence) -> list[str]:
        """What a reader should know of the comparisons, in sentences."""

    def best(self, evidence: Evidence) -> int | None:
        """The candidate that the search ends in; None before its end."""


@dataclass(frozen=True)
class Task:
    """What is asked of a search.

    candidates: how many configurations it may compare. budget: iterations, over all runs and seeds. seeds: of
    every candidate's runs, in this order. longest: iterations of the longest run that there can be. draw: n -> n
    configurations, the first of which is the persona's. ranges: the numbers that are searched.
    """

    candidates: int
    budget: int
    seeds: tuple[int, ...]
    longest: int
    draw: Callable[[int], Sequence[Configuration]]
    ranges: tuple[Range, ...] = ()
