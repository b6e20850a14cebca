"""Lines of JSON turned back into the records that they hold.

The answer in a line is not trusted: a verdict that says "ok" against its error and bound is malformed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from parity.results.localization import CallResult, FirstDivergence
from parity.results.records import AuditRow, Cost, Overhead, Planted, Timing
from parity.results.verdict import Verdict

# The key under which a planted edit's record says what happened, and the key of the sentence that describes the edit.
PLANTED = {"fault": ("caught", "mistake"), "rewrite": ("flagged", "reason")}


@dataclass(frozen=True)
class Summary:
    """The last record of a localization. unpaired: submodules and calls that the other model does not have."""

    first_divergence: FirstDivergence | None
    unpaired: tuple[str, ...]


def parse(record: dict) -> object:
    """The record in a line. Raises KeyError, TypeError or ValueError if it is malformed."""
    if (record_type := record["record"]) not in PARSERS:
        raise ValueError(f"there is no record type {record_type!r}")
    return PARSERS[record_type](record)


def verdict(record: dict) -> Verdict:
    """A verdict. JSON knows neither inf nor nan; they are strings in the line."""
    numbers = {name: float(record[name]) for name in ("error", "bound", "scale", "expected", "got")}
    texts = {name: str(record[name]) for name in ("case", "variant", "what", "derivation", "limitation")}
    result = Verdict(**texts, **numbers, where=tuple(map(int, record["where"])))
    if record.get("ok", result.ok) != result.ok:
        raise ValueError(f"it says ok: {record['ok']}, but its error is {result.error:g}, its bound {result.bound:g}")
    return result


def planted(record: dict) -> Planted:
    """The outcome of a fault or a rewrite."""
    record_type, backend, by = record["record"], record["backend"], record["verdict"]
    answer, note = PLANTED[record_type]
    check_answer(record, answer, by is not None)
    edit = record[record_type]
    old, new = edit[backend]
    return Planted(str(edit["name"]), str(edit[note]), backend, (str(old), str(new)), by and verdict(by))


def call(record: dict) -> CallResult:
    """A call of a localization."""
    texts = {name: str(record[name]) for name in ("path", "method", "name", "reason")}
    texts["innocent"] = str(record.get("innocent", ""))
    verdicts = {str(stage): verdict(v) for stage, v in record["verdicts"].items()}
    result = CallResult(**texts, verdicts=verdicts, missing=tuple(map(str, record["missing"])))
    check_answer(record, "ok", result.failed_stage is None)
    return result


def summary(record: dict) -> Summary:
    """The last record of a localization."""
    first = record["first_divergence"]
    check_answer(record, "ok", first is None)
    unpaired = tuple(map(str, record["unpaired"]))
    innocent = {word: tuple(map(str, first.get(word, ()))) for word in ("moved", "unclear")} if first else {}
    given = first and first | innocent | {"verdict": verdict(first["verdict"])}
    return Summary(first and FirstDivergence(**given), unpaired)


def timing(record: dict) -> Timing:
    """A candidate's time per iteration."""
    texts = {name: str(record[name]) for name in ("name", "device")}
    figures = {name: float(record[name]) for name in ("seconds", "ratio", "low", "high")}
    return Timing(**texts, **figures, budget=_number_or_none(record["budget"]))


def overhead(record: dict) -> Overhead:
    """What the harness adds to the models that it runs."""
    evaluations = {str(name): (int(count), float(each)) for name, (count, each) in record["evaluations"].items()}
    figures = {name: float(record[name]) for name in ("seconds", "share", "plain", "rounding", "budget")}
    return Overhead(evaluations=evaluations, **figures)


def audit_row(record: dict) -> AuditRow:
    """A line of the audit."""
    return AuditRow(**{field.name: record[field.name] for field in fields(AuditRow)})


def cost(record: dict) -> Cost:
    """What a variant of a case takes."""
    peak = _number_or_none(record["peak_bytes"])
    return Cost(str(record["case"]), str(record["variant"]), float(record["seconds"]), peak)


def check_answer(record: dict, answer: str, truth: bool) -> None:
    """Raises ValueError if the answer in a record does not follow from the rest of it."""
    if record[answer] != truth:
        raise ValueError(f"it says {answer}: {record[answer]}, but the rest of it says {truth}")


def _number_or_none(value: object) -> float | None:
    return None if value is None else float(value)


PARSERS: dict[str, Callable[[dict], object]] = {
    "environment": dict,
    "verdict": verdict,
    "fault": planted,
    "rewrite": planted,
    "call": call,
    "first_divergence": summary,
    "timing": timing,
    "overhead": overhead,
    "audit": audit_row,
    "cost": cost,
}
