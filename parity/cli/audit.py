"""audit: whether everything that the backends compute with has a kernel on Apple's GPU."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from rich.markup import escape

from parity.cli.command import Command, add_files
from parity.results.console import console, empty_table


def audit(options: Namespace) -> int:
    """Kernels on Apple's GPU."""
    from parity.mps_audit.audit import audit as audit_rows
    from parity.results.grouping import grouped
    from parity.results.saving import save

    out = console()
    with out.status("following both backends ..."):
        rows = list(audit_rows())
    for backend, group in grouped(rows, lambda row: row.backend).items():
        operator = {"torch": "operator", "mlx": "primitive"}[backend]
        table = empty_table(f"{backend} on Apple's GPU", operator, "first used in", "served by", "verdict")
        for row in group:
            table.add_row(row.name, row.where, escape(row.served), "[green]passed[/]" if row.ok else "[red]failed[/]")
        out.print(table)
        out.print(f"{backend}: {sum(row.ok for row in group)} of {len(group)} passed.\n")
    failures = [row for row in rows if not row.ok]
    for row in failures:
        out.print(row.sentence(), style="red", markup=False, soft_wrap=True)
    out.print("This is a check by table, not a run on Apple hardware.")
    save(options, [{"record": "audit"} | asdict(row) for row in rows])
    return 1 if failures else 0


AUDIT = Command(
    "audit",
    "Has everything that the backends compute with a kernel on Apple's GPU?",
    "Looks up each PyTorch operator and MLX primitive in the packages' tables: a check, not a run.",
    ("audit --json audit.jsonl",),
    add_files,
    audit,
)
