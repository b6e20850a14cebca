"""Partings: what localization found at every place, and the first place at which two implementations part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from rich.markup import escape
from rich.table import Table

from parity.results.console import console, rows
from parity.results.table import share
from parity.results.verdict import Verdict

STAGES = ("forward", "backward", "update")


@dataclass(frozen=True)
class Place:
    """One call of one submodule, or a step of an optimizer, held against the other implementation's.

    path, method: of MLX's. name: as a reader would look for it. verdicts: by stage, the first red one or else the one
    nearest to its bound. missing: what was not compared. reason: why nothing was, or "".
    """

    path: str
    method: str
    name: str
    verdicts: dict[str, Verdict]
    missing: tuple[str, ...] = ()
    reason: str = ""

    @property
    def red(self) -> str | None:
        """The first stage at which the two part here."""
        return next((stage for stage in STAGES if stage in self.verdicts and not self.verdicts[stage].ok), None)


@dataclass(frozen=True)
class FirstDivergence:
    """Where two implementations part first.

    stage: "forward", "backward" or "update". path, method, name, verdict: as in `Place`. passed: how many places before
    could not be compared.
    """

    stage: str
    path: str
    method: str
    name: str
    verdict: Verdict
    passed: int

    def sentence(self) -> str:
        """The finding in one sentence."""
        v = self.verdict
        where = f"at {v.where} " if v.where else ""
        before = "everything before it agrees"
        if self.passed:
            before = f"everything that was compared before it agrees, and {self.passed} could not be compared"
        return (
            f"They part first in {self.name} ({self.stage}): {v.variant}, {v.what}, {where}expected {v.expected:.9g}, got "
            f"{v.got:.9g}, allowed an error of {v.bound:.3g} ({v.derivation}); {before}."
        )


@dataclass(frozen=True)
class Localization:
    """Every place in the order in which its call ended, and the submodules and calls that have no partner."""

    places: tuple[Place, ...]
    unpaired: tuple[str, ...]

    @property
    def first_divergence(self) -> FirstDivergence | None:
        """The first first_divergence, None if the two never part."""
        return first(self.places)

    def sentence(self) -> str:
        """The answer in one sentence."""
        if self.first_divergence:
            return self.first_divergence.sentence()
        compared = sum(not place.reason for place in self.places)
        return f"They never part: {compared} of {len(self.places)} places were compared, and all agree."

    def __str__(self) -> str:
        """The table and the answer."""
        out = console()
        with out.capture() as captured:
            out.print(self.table())
            out.print(self.sentence(), style="red" if self.first_divergence else None, markup=False, soft_wrap=True)
        return captured.get()

    def records(self) -> Iterator[dict]:
        """One JSON-able record a place, then the first_divergence."""
        for place in self.places:
            yield {"record": "place", "ok": place.red is None} | asdict(place)
        first_divergence = asdict(self.first_divergence) if self.first_divergence else None
        yield {
            "record": "first_divergence",
            "ok": first_divergence is None,
            "first_divergence": first_divergence,
            "unpaired": self.unpaired,
        }

    def table(self, title: str = "Where do they part?") -> Table:
        """One row a place."""
        stages = [stage for stage in STAGES if any(stage in place.verdicts for place in self.places)]
        drawn = rows(title)
        drawn.add_column("place", no_wrap=True)
        for stage in stages:
            drawn.add_column(stage, justify="right", no_wrap=True)
        drawn.add_column("verdict")
        drawn.add_column("not compared")
        for place in self.places:
            cells = (cell(place.verdicts.get(stage)) for stage in stages)
            verdict = f"[red]{place.red}[/]" if place.red else "" if place.reason else "[green]ok[/]"
            drawn.add_row(escape(place.name), *cells, verdict, escape(place.reason or "; ".join(place.missing)))
        drawn.caption = "in each cell: the error, and the share of its bound that it uses up (1 = limit)"
        if self.unpaired:
            drawn.caption += f"\nwithout a partner: {escape(', '.join(self.unpaired))}"
        return drawn


def first(places: Iterable[Place]) -> FirstDivergence | None:
    """The first first_divergence among places, which are looked at no further."""
    passed = 0
    for place in places:
        if place.red:
            return FirstDivergence(place.red, place.path, place.method, place.name, place.verdicts[place.red], passed)
        passed += bool(place.reason)
    return None


def chosen(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The first red verdict, else the one nearest to its bound."""
    found = [verdict for verdict in verdicts if not verdict.limitation]
    return next((v for v in found if not v.ok), max(found, key=share, default=None))


def cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    text = f"{verdict.error:.0e}  {share(verdict):.2g}"
    return text if verdict.ok else f"[red]{text}[/]"
