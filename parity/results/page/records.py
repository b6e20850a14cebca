"""Lines of JSON turned back into what they are records of.

What a line says of itself is not taken on trust: a verdict that calls itself green against its own error and bound is a
malformed record, not a green one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from parity.bench.iterations import Timing
from parity.bench.overhead import Overhead
from parity.localize.first_divergence import FirstDivergence, Place
from parity.mps_audit import Row
from parity.results.verdict import Verdict

# What a planted edit says of its outcome, and what it calls its description.
PLANTED = {"fault": ("caught", "mistake"), "rewrite": ("flagged", "reason")}


@dataclass(frozen=True)
class Planted:
    """An edit of a backend's source made on purpose, a fault or a harmless rewrite.

    note: what it is, in words. edit: (old text, new text). verdict: the red one that it led to, None without any.
    """

    name: str
    note: str
    backend: str
    edit: tuple[str, str]
    verdict: Verdict | None


@dataclass(frozen=True)
class Cost:
    """What a variant of a case took: seconds, and the greatest memory in bytes, None where it cannot be measured."""

    case: str
    variant: str
    seconds: float
    peak_bytes: float | None


@dataclass(frozen=True)
class Search:
    """What a localization came to. first: the first first_divergence, None if there is none. unpaired: without a partner."""

    first: FirstDivergence | None
    unpaired: tuple[str, ...]


def typed(record: dict) -> object:
    """A record as what it is a record of. Raises KeyError, TypeError or ValueError if it is malformed."""
    if (kind := record["record"]) not in KINDS:
        raise ValueError(f"there is no kind of record {kind!r}")
    return KINDS[kind](record)


def verdict(record: dict) -> Verdict:
    """The verdict of a record; JSON knows neither inf nor nan, so they stand there as strings."""
    numbers = {name: float(record[name]) for name in ("error", "bound", "scale", "expected", "got")}
    texts = {name: str(record[name]) for name in ("case", "variant", "what", "derivation", "limitation")}
    found = Verdict(**texts, **numbers, where=tuple(map(int, record["where"])))
    if record.get("ok", found.ok) != found.ok:
        raise ValueError(f"it says ok: {record['ok']}, but its error is {found.error:g} and its bound {found.bound:g}")
    return found


def planted(record: dict) -> Planted:
    """The outcome of a fault or a rewrite."""
    kind, backend, by = record["record"], record["backend"], record["verdict"]
    answer, note = PLANTED[kind]
    agree(record, answer, by is not None)
    old, new = record[kind][backend]
    return Planted(
        str(record[kind]["name"]), str(record[kind][note]), backend, (str(old), str(new)), by and verdict(by)
    )


def place(record: dict) -> Place:
    """A place of a localization."""
    texts = {name: str(record[name]) for name in ("path", "method", "name", "reason")}
    verdicts = {str(stage): verdict(v) for stage, v in record["verdicts"].items()}
    found = Place(**texts, verdicts=verdicts, missing=tuple(map(str, record["missing"])))
    agree(record, "ok", found.red is None)
    return found


def search(record: dict) -> Search:
    """The end of a localization."""
    agree(record, "ok", record["first_divergence"] is None)
    first = record["first_divergence"] and FirstDivergence(
        **record["first_divergence"] | {"verdict": verdict(record["first_divergence"]["verdict"])}
    )
    return Search(first, tuple(map(str, record["unpaired"])))


def timing(record: dict) -> Timing:
    """The result of a candidate."""
    texts = {name: str(record[name]) for name in ("name", "device")}
    return Timing(**texts, **{name: float(record[name]) for name in ("seconds", "ratio", "low", "high")})


def overhead(record: dict) -> Overhead:
    """What the harness adds to the models that it runs."""
    evaluations = {str(kind): (int(count), float(each)) for kind, (count, each) in record["evaluations"].items()}
    figures = {name: float(record[name]) for name in ("seconds", "share", "plain", "rounding")}
    return Overhead(evaluations=evaluations, **figures)


def audited(record: dict) -> Row:
    """A line of the audit."""
    return Row(**{field.name: record[field.name] for field in fields(Row)})


def cost(record: dict) -> Cost:
    """What a variant took."""
    peak = record["peak_bytes"]
    return Cost(
        str(record["case"]), str(record["variant"]), float(record["seconds"]), None if peak is None else float(peak)
    )


def agree(record: dict, answer: str, truth: bool) -> None:
    """Raises ValueError if what a record says of itself is not what follows from the rest of it."""
    if record[answer] != truth:
        raise ValueError(f"it says {answer}: {record[answer]}, but what it found says {truth}")


KINDS: dict[str, Callable[[dict], object]] = {
    "environment": dict,
    "verdict": verdict,
    "fault": planted,
    "rewrite": planted,
    "place": place,
    "first_divergence": search,
    "timing": timing,
    "overhead": overhead,
    "audit": audited,
    "cost": cost,
}
