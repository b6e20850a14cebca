"""All verdicts of one check: as a table for a person, as records for a program, or as a failed test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from parity.results.console import console
from parity.results.table import tables
from parity.results.verdict import Verdict


class ParityError(AssertionError):
    """The two implementations are not the same function; one line for each failed verdict."""


@dataclass(frozen=True)
class Findings:
    """name: of the check. verdicts: in order. names: how the parameters correspond, one line each.

    notes: what else to know about a failure, a sentence each. ignored: what was left out on purpose, with reasons.
    """

    name: str
    verdicts: tuple[Verdict, ...]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: tuple[Verdict, ...] = ()

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    @cached_property
    def failures(self) -> tuple[Verdict, ...]:
        """The failed verdicts."""
        return tuple(verdict for verdict in self.verdicts if not verdict.ok)

    @property
    def limitations(self) -> tuple[Verdict, ...]:
        """What could not be compared, with reasons."""
        return tuple(verdict for verdict in self.verdicts if verdict.limitation)

    def records(self) -> list[dict]:
        """One JSON-able record a verdict, as `--json` writes them."""
        return [verdict.record() for verdict in (*self.verdicts, *self.ignored)]

    def sentences(self) -> list[str]:
        """One for each failed verdict, then the notes; none if nothing failed."""
        if self.ok:
            return []
        return [verdict.sentence() for verdict in self.failures] + list(self.notes)

    def or_raise(self) -> Findings:
        """Itself if nothing failed. Raises ParityError, an AssertionError, with one sentence a failed verdict."""
        __tracebackhide__ = True
        if not self.ok:
            raise ParityError("\n".join(self.sentences()))
        return self

    def __str__(self) -> str:
        """The table, the sentences on failures and the count."""
        out = console()
        with out.capture() as captured:
            for table in tables(list(self.verdicts), self.name):
                out.print(table)
            for sentence in self.sentences():
                out.print(sentence, style="red", markup=False, soft_wrap=True)
            for verdict in self.ignored:
                out.print(f"ignored: {verdict.what}: {verdict.limitation}", markup=False, soft_wrap=True)
            out.print(count(self.verdicts))
        return captured.get()


def count(verdicts: Sequence[Verdict]) -> str:
    """How many passed, and how many are limitations, in words."""
    limited = sum(bool(verdict.limitation) for verdict in verdicts)
    passed = sum(verdict.ok for verdict in verdicts) - limited
    rest = f"; {limited} could not be compared" if limited else ""
    return f"{passed} of {len(verdicts) - limited} verdicts passed{rest}."
