"""A localization: the result of every compared call, and the first at which two implementations diverge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.markup import escape
from rich.table import Table

from parity.results.console import console, empty_table
from parity.results.table import share
from parity.results.verdict import Verdict

STAGES = ("forward", "backward", "update")


@dataclass(frozen=True)
class CallResult:
    """One call of one submodule, or one step of an optimizer, compared with the other implementation's.

    path, method: of MLX's. name: as a reader would look for it. verdicts: one a stage, see `deciding_verdict`.
    missing: what was not compared. reason: why nothing was compared, or "". innocent: why a difference is not its
    fault: "moved", if what surrounds it does the rest; "unclear", if that is wrong by itself; or "".
    """

    path: str
    method: str
    name: str
    verdicts: dict[str, Verdict]
    missing: tuple[str, ...] = ()
    reason: str = ""
    innocent: str = ""

    @property
    def failed_stage(self) -> str | None:
        """The first stage that failed, None if none did or it is innocent."""
        if self.innocent:
            return None
        return next((stage for stage in STAGES if stage in self.verdicts and not self.verdicts[stage].ok), None)


@dataclass(frozen=True)
class FirstDivergence:
    """The first call that failed.

    stage: "forward", "backward" or "update". path, method, name, verdict: as in `CallResult`. skipped: how many calls
    before it could not be compared. moved, unclear: the names of the calls before it that are so, see `CallResult`.
    """

    stage: str
    path: str
    method: str
    name: str
    verdict: Verdict
    skipped: int
    moved: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The result in one sentence."""
        v = self.verdict
        where = f"at {v.where} " if v.where else ""
        if v.variant.startswith("bound"):
            return (
                f"{self.name} ({self.stage}) cannot be compared: rounding alone may carry {v.what} by {v.error:.3g} in "
                f"float64, more than {v.derivation}: choose other inputs or parameters."
            )
        where += "" if not v.variant.endswith("slope") else "where PyTorch's gradient is no slope, "
        before = "everything before it agrees"
        if self.skipped:
            before = f"everything that was compared before it agrees, and {self.skipped} could not be compared"
        call = f"{self.name} ({self.stage}{alternatives(self.unclear)})"
        values = f"expected {v.expected:.9g}, got {v.got:.9g}, allowed an error of {v.bound:.3g} ({v.derivation})"
        return f"They first diverge in {call}: {v.variant}, {v.what}, {where}{values}; {before}{besides(self.moved)}."


@dataclass(frozen=True)
class Localization:
    """calls: in the order in which they ended. unpaired: submodules and calls that the other model does not have."""

    calls: tuple[CallResult, ...]
    unpaired: tuple[str, ...]

    @property
    def first_divergence(self) -> FirstDivergence | None:
        """The first call that failed, None if all agree."""
        return first_divergence(self.calls)

    def sentence(self) -> str:
        """The answer in one sentence."""
        if self.first_divergence:
            return self.first_divergence.sentence()
        compared = sum(not call.reason for call in self.calls)
        moved = besides([call.name for call in self.calls if call.innocent])
        result = f"{compared} of {len(self.calls)} calls were compared, and all agree{moved}."
        return f"They never diverge in values and gradients: {result}"

    def __str__(self) -> str:
        """The table and the answer."""
        out = console()
        with out.capture() as captured:
            out.print(self.table())
            out.print(self.sentence(), style="red" if self.first_divergence else None, markup=False, soft_wrap=True)
        return captured.get()

    def records(self) -> Iterator[dict]:
        """One JSON-able record a call, then one of the first divergence."""
        for call in self.calls:
            yield {"record": "call", "ok": call.failed_stage is None} | asdict(call)
        first = self.first_divergence
        yield {
            "record": "first_divergence",
            "ok": first is None,
            "first_divergence": asdict(first) if first else None,
            "unpaired": self.unpaired,
        }

    def table(self, title: str = "Where do they first diverge?") -> Table:
        """One row a call."""
        stages = [stage for stage in STAGES if any(stage in call.verdicts for call in self.calls)]
        table = empty_table(title)
        table.add_column("call", no_wrap=True)
        for stage in stages:
            table.add_column(stage, justify="right", no_wrap=True)
        table.add_column("verdict")
        table.add_column("not compared")
        for call in self.calls:
            cells = (_cell(call.verdicts.get(stage)) for stage in stages)
            not_compared = escape(call.reason or "; ".join(call.missing))
            table.add_row(escape(call.name), *cells, _verdict(call), not_compared)
        table.caption = "in each cell: the error, and the share of its bound that it uses up (1 = limit)"
        if self.unpaired:
            table.caption += f"\nonly in one of the two: {escape(', '.join(self.unpaired))}"
        return table


def first_divergence(calls: Iterable[CallResult]) -> FirstDivergence | None:
    """The first call that failed; the calls behind it are not asked for."""
    skipped, innocent = 0, {"": [], "moved": [], "unclear": []}
    for call in calls:
        if stage := call.failed_stage:
            verdict = call.verdicts[stage]
            others = {word: tuple(innocent[word]) for word in ("moved", "unclear")}
            return FirstDivergence(stage, call.path, call.method, call.name, verdict, skipped, **others)
        skipped += bool(call.reason)
        innocent[call.innocent].append(call.name)
    return None


def besides(moved: Sequence[str]) -> str:
    """A clause on calls that differ without being at fault; empty without any."""
    return f" (but for {several(moved)}, where work is done in another submodule than in PyTorch)" if moved else ""


def alternatives(unclear: Sequence[str]) -> str:
    """A clause on calls that differ as well; empty without any."""
    return f", or in {several(unclear)}, which differs as well" if unclear else ""


def several(names: Sequence[str]) -> str:
    """The first name, and how many more."""
    return names[0] + (f" and {len(names) - 1} more" if names[1:] else "")


def deciding_verdict(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The first failed verdict, else the one nearest to its bound. Limitations do not count."""
    compared = [verdict for verdict in verdicts if not verdict.limitation]
    return next((v for v in compared if not v.ok), max(compared, key=share, default=None))


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    text = f"{verdict.error:.0e}  {share(verdict):.2g}"
    return text if verdict.ok else f"[red]{text}[/]"


def _verdict(call: CallResult) -> str:
    if call.innocent:
        return f"[yellow]{call.innocent}[/]"
    if call.failed_stage:
        return f"[red]{call.failed_stage} failed[/]"
    return "" if call.reason else "[green]passed[/]"
