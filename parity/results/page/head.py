"""The head of a report: one claim for each record type, and the headline that sums them up.

The headline must not hide anything: it states the first claim, and every other one that is not true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from parity.results.grouping import layer_of
from parity.results.reading import Run

LISTED = 3  # layers that the headline names; it counts the others
APPLE = "on Apple\u2019s GPU"


@dataclass(frozen=True)
class Claim:
    """What a section of the page comes to. good, total: counts. unit: what the good ones are, "verdicts passed".

    trouble: what the others are, in words; "" if there are none.
    """

    section: str
    good: int
    total: int
    unit: str
    trouble: str

    def sentence(self) -> str:
        """Such as: 51 of 53 planted faults caught."""
        return f"{self.good:,} of {self.total:,} {self.unit}"


def claims(run: Run) -> list[Claim]:
    """The claims, in the order of the page. A limitation is no verdict. Without records there is no claim."""
    timings = [t for t in run.timings if t.budget is not None]
    failed = listed(layer_of(v.case) for v in run.compared if not v.ok)
    calls = [call for call in run.calls if not call.reason]
    divergences = [x.first_divergence for x in run.localizations if x.first_divergence]
    first = [f"first in {d.name} ({d.stage})" for d in divergences]
    result = (
        claim("map", run.compared, lambda v: v.ok, "verdicts", "passed", f"failed: {failed}"),
        claim("localize", calls, lambda c: c.failed_stage is None, "calls", "agree", ", ".join(["diverge", *first])),
        claim("faults", run.faults, lambda p: p.verdict is not None, "planted faults", "caught", "not caught"),
        claim("rewrites", run.rewrites, lambda p: p.verdict is None, "harmless rewrites", "left alone", "flagged"),
        claim(
            "bench",
            timings,
            lambda t: t.within_budget,
            "candidates",
            "within their time budget",
            "over their time budget",
        ),
        claim("overhead", run.overheads, lambda o: o.within_budget, "overheads", "within budget", "over budget"),
        claim("audit", run.audits, lambda row: row.ok, "operators", f"served {APPLE}", f"not served {APPLE}"),
    )
    return [claim for claim in result if claim.total]


def claim(section: str, items: Iterable, holds: Callable[..., bool], noun: str, good: str, bad: str) -> Claim:
    """The claim that all items are good."""
    answers = [holds(item) for item in items]
    wrong, total = answers.count(False), len(answers)
    trouble = f"{wrong:,} of {total:,} {noun} {bad}" if wrong else ""
    return Claim(section, total - wrong, total, f"{noun} {good}", trouble)


def listed(names: Iterable[str]) -> str:
    """Names, each once: "norm", "attention and norm", "attention, mlp, norm and 2 more"."""
    every = list(dict.fromkeys(names))
    shown, more = every[:LISTED], len(every) - LISTED
    last = [f"{more} more"] if more > 0 else [shown.pop()] if len(shown) > 1 else []
    return " and ".join([", ".join(shown), *last])


def headline(claims: list[Claim]) -> str:
    """The sentence over the page."""
    if not claims:
        return "Nothing was compared."
    first = claims[0].trouble or claims[0].sentence()
    return "; ".join([first, *(claim.trouble for claim in claims[1:] if claim.trouble)]) + "."
