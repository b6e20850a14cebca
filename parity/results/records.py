"""The records of a run, one dataclass a record type. `parity.results.parsing` reads them back from lines of JSON.

    Timing      a candidate's time per iteration                 python -m parity bench
    Overhead    what the harness adds to the models that it runs python -m parity overhead
    AuditRow    how Apple's GPU serves one operator              python -m parity audit
    Planted     the outcome of a planted edit                    python -m parity mutants
    Cost        time and memory of one variant of a case         python -m parity check --costs

Verdicts (`parity.results.verdict`) and localizations (`parity.results.localization`) have their modules.
"""

from __future__ import annotations

from dataclasses import dataclass

from parity.results.verdict import Verdict

REFERENCE = "baseline-torch"  # the candidate by whose time the others' is divided


@dataclass(frozen=True)
class Timing:
    """A candidate's time per iteration.

    seconds: the median. ratio, low, high: to the time of REFERENCE, with its 95% interval. budget: the greatest ratio
    that the project allows this candidate, None where it sets no limit.
    """

    name: str
    device: str
    seconds: float
    ratio: float
    low: float
    high: float
    budget: float | None = None

    @property
    def within_budget(self) -> bool:
        """Whether the ratio is at most the budget; True without a budget."""
        return self.budget is None or self.ratio <= self.budget


@dataclass(frozen=True)
class Overhead:
    """What the harness adds to the models that it runs.

    seconds: of one first-order check. evaluations: {what is evaluated: (how many in a check, seconds of each, alone)}.
    share: the overhead, as a share of the evaluations. plain: the check, in times of its four variants alone.
    rounding: the share of the check that derives the bounds. budget: the share must stay below this.
    """

    seconds: float
    evaluations: dict[str, tuple[int, float]]
    share: float
    plain: float
    rounding: float
    budget: float

    @property
    def within_budget(self) -> bool:
        """Whether the share is below the budget."""
        return self.share < self.budget


@dataclass(frozen=True)
class AuditRow:
    """One line of the audit for Apple's GPU.

    name: an operator, a primitive or a flaw. where: its first occurrence. served: how the GPU serves it, or why not.
    """

    backend: str
    name: str
    where: str
    served: str
    ok: bool

    def sentence(self) -> str:
        """The failure in one sentence."""
        return f"{self.backend}, {self.where}: {self.name}: {self.served}"


@dataclass(frozen=True)
class Planted:
    """A deliberate edit of a backend's source, a fault or a harmless rewrite.

    note: what it is, in words. edit: (old text, new text). verdict: the failed one that it led to, None without any.
    """

    name: str
    note: str
    backend: str
    edit: tuple[str, str]
    verdict: Verdict | None


@dataclass(frozen=True)
class Cost:
    """What a variant of a case takes: seconds, and the peak memory in bytes, None where it cannot be measured."""

    case: str
    variant: str
    seconds: float
    peak_bytes: float | None
