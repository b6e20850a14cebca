"""mutants: planted faults, which the checks must catch, and harmless rewrites, which they must not flag."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from lyceum.contract import UsageError
from parity.cli.command import Command, Parser, add_files, positive
from parity.results.console import console, empty_table


def mutants(options: Namespace) -> int:
    """Planted faults and harmless rewrites."""
    from parity.mutation import planted_faults, rewrites
    from parity.results.saving import save

    out, seeds = console(), range(options.seeds)
    with out.status("checking the unchanged backends ..."):
        failures = [verdict for verdict in planted_faults.healthy(seeds, words=options.words) if not verdict.ok]
    for verdict in failures:
        out.print(f"without any fault: {verdict.sentence()}", style="red", markup=False, soft_wrap=True)
    with out.status("planting faults ..."):
        faults = list(planted_faults.run(seeds, options.words, options.jobs))
    with out.status("rewriting ..."):
        rewritten = [] if options.words else list(rewrites.run(seeds))
    if not faults:
        raise UsageError(f"no planted fault has {options.words!r} in its module or name: see parity/mutation/faults.")
    on_seeds = "one seed" if options.seeds == 1 else f"each of {options.seeds} seeds"
    out.print(table("Planted faults", "what a person would have done", faults, "[red]nothing[/]", ""))
    caught = sum(outcome.caught for outcome in faults)
    out.print(f"{caught} of {len(faults)} planted faults caught on {on_seeds}.\n")
    out.print(table("Harmless rewrites", "why nothing changes", rewritten, "nothing", "[red]"))
    flagged = sum(outcome.flagged for outcome in rewritten)
    out.print(f"{flagged} of {len(rewritten)} harmless rewrites flagged on {on_seeds}.")
    save(options, [outcome.record() for outcome in (*faults, *rewritten)])
    return 1 if failures or flagged or caught < len(faults) else 0


def table(title: str, note: str, outcomes: Iterable, nothing: str, markup: str) -> Table:
    """Edits of the source and the verdicts that failed.

    note: heading of the edits' notes. nothing: the text where no verdict failed. markup: before the name of a failure.
    """
    from parity.results.table import share

    table = empty_table(title, "backend", "edit", note, "failed", "error / bound")
    for outcome in outcomes:
        verdict, edit = outcome.verdict, outcome.edit
        failed, used = nothing, ""
        if verdict:
            failed = f"{markup}{escape(f'{verdict.case}, {verdict.variant}')}"
            used = f"{share(verdict):.0e}"
        table.add_row(outcome.backend, edit.name, escape(edit.note), failed, used)
    return table


def add_options(parser: Parser) -> None:
    """Options of `mutants`."""
    parser.add_argument("words", nargs="?", default="", help="only faults whose module or name contains these words")
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes that plant them (1)")
    parser.add_argument("--seeds", type=positive, default=1, metavar="N", help="draws on which each is tried (1)")
    add_files(parser)


MUTANTS = Command(
    "mutants",
    "Can the checks fail, and do they raise false alarms?",
    "Plants mistakes that people make (all must be caught) and harmless rewrites (none may be flagged).",
    ("mutants --seeds 5", "mutants euclid.norm", "mutants --jobs 2"),
    add_options,
    mutants,
)
