"""report: everything on one HTML page."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from rich.console import Console

from parity.cli.command import Command, Parser, output
from parity.results.console import console


def report(options: Namespace) -> int:
    """One HTML page, of records in files or of everything, run now."""
    from parity.results.page import render
    from parity.results.page.head import claims
    from parity.results.reading import read, run_of
    from parity.results.saving import write

    out = console()
    records = read(options.files) if options.files else everything(out)
    write(options.out, render(records).encode(), "--out")
    run_claims = claims(run_of(records))
    for claim in run_claims:
        if claim.trouble:
            out.print(f"{claim.sentence()}: {claim.trouble}.", style="red", markup=False, soft_wrap=True)
        else:
            out.print(f"{claim.sentence()}.", markup=False, soft_wrap=True)
    out.print(f"wrote {options.out}", markup=False, soft_wrap=True)
    return 1 if any(claim.trouble for claim in run_claims) else 0


def everything(out: Console) -> list[dict]:
    """The records of all checks, run now; but for those of time, which need a machine for themselves."""
    from parity.bench.costs import costs
    from parity.mps_audit.audit import audit
    from parity.mutation import planted_faults, rewrites
    from parity.project import checks
    from parity.project.training import verdicts
    from parity.results.environment import environment
    from parity.results.saving import json_safe
    from parity.sides.variants import variants

    columns = tuple(variants(("float64", "float32", "bfloat16", "float16"), compiled=("mlx",)))
    sections = {
        "cases": lambda: (v.record() for run in checks.cases().values() for v in run(0, columns)),
        "theorems": lambda: (v.record() for run in checks.proofs().values() for v in run(0)),
        "training": lambda: (v.record() for v in verdicts()),
        "faults": lambda: (outcome.record() for outcome in planted_faults.run()),
        "rewrites": lambda: (outcome.record() for outcome in rewrites.run()),
        "audit": lambda: ({"record": "audit"} | asdict(row) for row in audit()),
        "costs": lambda: ({"record": "cost"} | asdict(c) for make in checks.pairs().values() for c in costs(*make())),
    }
    records = [{"record": "environment"} | environment()]
    for name, section in sections.items():
        with out.status(f"{name} ..."):
            records += section()
    return [json_safe(record) for record in records]


def add_options(parser: Parser) -> None:
    """Options of `report`."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="JSON lines that other commands wrote with --json")
    parser.add_argument("--out", type=output, default="report.html", metavar="FILE", help="the page (report.html)")


REPORT = Command(
    "report",
    "What does all of this look like on one page?",
    "Writes one HTML file that needs no network: of the JSON lines in FILE ..., or of everything, run now.",
    ("report --out report.html", "report check.jsonl bench.jsonl --out report.html"),
    add_options,
    report,
)
