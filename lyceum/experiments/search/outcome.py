"""What a finished search says: the best candidate, by how much it beats the default recipe, and what was spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lyceum.experiments.search.evidence import Evidence
from lyceum.experiments.search.setup import Setup
from lyceum.personas.spec.search import Comparison, Configuration, Entry

DEFAULT = 0  # the candidate that is the persona's default recipe


@dataclass(frozen=True)
class Outcome:
    """best: the candidate. candidates: their configurations. comparisons: of the search, in order. notes: sentences on
    them. allotted, spent: iterations.

    gain, error: the loss of the persona's default recipe less that of the best, and its paired standard error, after
    `steps` iterations, the last at which both were measured; None if the best is that recipe.
    """

    best: int
    candidates: Sequence[Configuration]
    comparisons: list[Comparison]
    notes: list[str]
    allotted: int
    spent: int
    gain: float | None = None
    error: float | None = None
    steps: int | None = None


def outcome(setup: Setup, evidence: Evidence) -> Outcome:
    """The outcome of a finished search."""
    rule = setup.rule
    best = rule.best(evidence)
    runs = {(run.candidate, run.seed, run.steps): number for number, run in measured(setup, evidence)}
    longest = {}
    for candidate, seed, steps in runs:
        longest[candidate, seed] = max(steps, longest.get((candidate, seed), 0))
    spent = sum(longest.values())
    parts = rule.candidates(evidence), rule.comparisons(evidence), rule.notes(evidence)
    known = best, *parts, rule.allotted, spent
    shared = {(seed, steps) for candidate, seed, steps in runs if candidate == DEFAULT and (best, seed, steps) in runs}
    if best == DEFAULT or not shared:
        return Outcome(*known)
    steps = max(steps for _, steps in shared)
    seeds = sorted(seed for seed, at in shared if at == steps)
    sides = ([runs[candidate, seed, steps] for seed in seeds] for candidate in (best, DEFAULT))
    return Outcome(*known, *evidence.difference(*sides), steps)


def measured(setup: Setup, evidence: Evidence) -> Iterator[tuple[int, Entry]]:
    """(number, run) of every measured run, in order."""
    for number in sorted(evidence.trials):
        yield number, setup.rule.entry(number, evidence)
