"""What a report is made of: the records of one or more runs, read back and told apart by kind.

Every command of the bridge writes lines of JSON (`parity.results.console`), and a report is drawn from these lines alone: it can
be made later, on another machine, of runs that were made at different times.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lyceum.contract import UserError
from parity.bench.iterations import Timing
from parity.bench.overhead import Overhead
from parity.localize.first_divergence import Place
from parity.mps_audit import Row
from parity.results.page.records import KINDS, Cost, Planted, Search, typed
from parity.results.verdict import Verdict


@dataclass(frozen=True)
class Run:
    """All records of a report, each kind in its order; the kinds in the order of `records.KINDS`."""

    environments: tuple[dict, ...]
    verdicts: tuple[Verdict, ...]
    faults: tuple[Planted, ...]
    rewrites: tuple[Planted, ...]
    places: tuple[Place, ...]
    searches: tuple[Search, ...]
    timings: tuple[Timing, ...]
    overheads: tuple[Overhead, ...]
    audits: tuple[Row, ...]
    costs: tuple[Cost, ...]

    @property
    def judged(self) -> tuple[Verdict, ...]:
        """The verdicts that are no limitations."""
        return tuple(verdict for verdict in self.verdicts if not verdict.limitation)


def read(paths: Iterable[str | Path]) -> list[dict]:
    """The records of files that `--json` wrote, in order. Raises UserError for a missing or malformed file."""
    found = []
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
                typed(record)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                why = f"{path}, line {number} is not a record of the bridge ({type(error).__name__}: {error})"
                raise UserError(f"{why}: write the file anew with --json.") from error
            found.append(record)
    return found


def run(records: Iterable[dict]) -> Run:
    """Records told apart. Raises KeyError, TypeError or ValueError for one that is malformed; `read` checks that."""
    by_kind = {kind: [] for kind in KINDS}
    for record in records:
        by_kind[record["record"]].append(typed(record))
    return Run(*map(tuple, by_kind.values()))
