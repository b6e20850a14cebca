"""All verdicts of one check: as a table for a person, as records for a program, or as a failed test.

If a port is wrong, its output fails, its hundred gradients, and all of them again in float32. These are one cause, and
one sentence. Apart from it is what is wrong with PyTorch's side alone: its gradient is no slope, its variants disagree,
or float64 is too ill-conditioned to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from parity.brief import ParityError
from parity.results.console import console
from parity.results.grouping import grouped, layer_of
from parity.results.table import tables
from parity.results.verdict import Verdict

BACKENDS = ("mlx", "torch", "bound", "reference")


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
        """One for each cause (`causes`), then the notes; none if nothing failed."""
        if self.ok:
            return []
        return causes(self.failures) + list(self.notes)

    def or_raise(self) -> Findings:
        """Itself if nothing failed. Raises ParityError, an AssertionError, with one sentence a cause."""
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


def causes(failures: Iterable[Verdict]) -> list[str]:
    """One sentence for each cause of some failed verdicts."""
    sentences = []
    for group in grouped(failures, lambda v: (layer_of(v.case), cause(v))).values():
        first = next((v for v in group if v.what.partition(" ")[0] == "output"), group[0])
        sentences.append(first.sentence() + more(len(group) - 1))
    return sentences


def cause(verdict: Verdict) -> str:
    """What is in question: a backend, or the oracle by one of its checks."""
    if verdict.variant.endswith("slope"):
        return "slope"
    backend = verdict.variant.partition(" ")[0]
    return backend if backend in BACKENDS else verdict.variant


def more(count: int) -> str:
    """Such as "; and 122 more"; empty if there are none."""
    return f"; and {count} more" if count > 0 else ""
