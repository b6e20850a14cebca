"""What a check found: every verdict, readable at a glance, as records for a program, or as a failed test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property

from parity.results.console import console
from parity.results.table import tables
from parity.results.verdict import Verdict


class ParityError(AssertionError):
    """The two implementations are not the same function; one line for each red verdict."""


@dataclass(frozen=True)
class Findings:
    """name: of the check. verdicts: in order. names: how the parameters correspond, one line each.

    notes: what else to know of a red verdict, a sentence each.
    """

    name: str
    verdicts: tuple[Verdict, ...]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def ok(self) -> bool:
        """Whether nothing is red."""
        return not self.red

    @cached_property
    def red(self) -> tuple[Verdict, ...]:
        """The failures."""
        return tuple(verdict for verdict in self.verdicts if not verdict.ok)

    @property
    def limitations(self) -> tuple[Verdict, ...]:
        """What could not be compared, with reasons."""
        return tuple(verdict for verdict in self.verdicts if verdict.limitation)

    def records(self) -> list[dict]:
        """One JSON-able record a verdict, as `--json` writes them."""
        return [recorded(verdict) for verdict in self.verdicts]

    def sentences(self) -> list[str]:
        """One for each red verdict, and the notes if there are any."""
        return [verdict.sentence() for verdict in self.red] + list(self.notes if self.red else ())

    def or_raise(self) -> Findings:
        """Itself if all is green. Raises ParityError, an AssertionError, with one sentence for each red verdict."""
        __tracebackhide__ = True
        if self.red:
            raise ParityError("\n".join(self.sentences()))
        return self

    def __str__(self) -> str:
        """The table, the red sentences and the count."""
        out = console()
        with out.capture() as captured:
            for drawn in tables(list(self.verdicts), self.name):
                out.print(drawn)
            for sentence in self.sentences():
                out.print(sentence, style="red", markup=False, soft_wrap=True)
            out.print(counted(self.verdicts))
        return captured.get()


def counted(verdicts: tuple[Verdict, ...] | list[Verdict]) -> str:
    """How many are green, red and limitations, in words."""
    limits = sum(bool(verdict.limitation) for verdict in verdicts)
    green = sum(verdict.ok for verdict in verdicts) - limits
    told = f"; {limits} could not be compared" if limits else ""
    return f"{green} of {len(verdicts) - limits} verdicts green{told}."


def recorded(verdict: Verdict) -> dict:
    """The record of a verdict."""
    return {"record": "verdict", "ok": verdict.ok} | asdict(verdict)
