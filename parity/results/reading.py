"""Files of JSON lines read back as one `Run`, from which a page or a JUnit file is made.

Every command of the parity harness writes such lines (`parity.results.saving`). A report needs nothing else, so it can
be made later, on another machine, of runs that were made at different times.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lyceum.contract import UserError
from parity.results.localization import CallResult
from parity.results.parsing import PARSERS, Summary, parse
from parity.results.records import AuditRow, Cost, Overhead, Planted, Timing
from parity.results.verdict import Verdict


@dataclass(frozen=True)
class Run:
    """All records of a report: one field for each type of `parsing.PARSERS`, in the same order."""

    environments: tuple[dict, ...]
    verdicts: tuple[Verdict, ...]
    faults: tuple[Planted, ...]
    rewrites: tuple[Planted, ...]
    calls: tuple[CallResult, ...]
    localizations: tuple[Summary, ...]
    timings: tuple[Timing, ...]
    overheads: tuple[Overhead, ...]
    audits: tuple[AuditRow, ...]
    costs: tuple[Cost, ...]

    @property
    def compared(self) -> tuple[Verdict, ...]:
        """The verdicts that are no limitations."""
        return tuple(verdict for verdict in self.verdicts if not verdict.limitation)


def read(paths: Iterable[str | Path]) -> list[dict]:
    """The records of files that `--json` wrote, in order. Raises UserError for a missing or malformed file."""
    records = []
    for path in paths:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot read {path} ({error.strerror}): give a file that --json wrote.") from error
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not text in UTF-8: give a file that --json wrote.") from error
        if not text:
            raise UserError(f"{path} is empty: write it anew with --json.")
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
            try:
                record = json.loads(line)
                parse(record)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                why = f"{path}, line {number} is not a record of the parity harness ({type(error).__name__}: {error})"
                raise UserError(f"{why}: write the file anew with --json.") from error
            records.append(record)
    return records


def run_of(records: Iterable[dict]) -> Run:
    """The run that the records belong to. Raises KeyError, TypeError or ValueError for a malformed one."""
    by_type = {record_type: [] for record_type in PARSERS}
    for record in records:
        by_type[record["record"]].append(parse(record))
    return Run(*map(tuple, by_type.values()))
