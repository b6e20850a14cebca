"""All commands of `python -m parity` by name, and the parser of the command line."""

from __future__ import annotations

import argparse

from parity.cli import audit, bench, check, localize, mutants, new, report, runs
from parity.cli.command import Command, Parser

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        check.CHECK,
        check.THEOREMS,
        localize.LOCALIZE,
        localize.NAMES,
        mutants.MUTANTS,
        check.TRAINING,
        audit.AUDIT,
        bench.BENCH,
        bench.LAYER_BENCHMARKS,
        bench.OVERHEAD,
        runs.QUANTIZERS,
        report.REPORT,
        runs.PERTURB,
        new.NEW,
    )
}


def arguments(argv: list[str], about: str) -> argparse.Namespace:
    """The command, as `command`, and its options; without a command it is `check`. Raises UsageError."""
    style = argparse.RawDescriptionHelpFormatter
    parser = Parser("python -m parity", description=about, formatter_class=style)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, command in COMMANDS.items():
        examples = "\n".join(f"  python -m parity {example}" for example in command.examples)
        subparser = subparsers.add_parser(
            name,
            help=command.question,
            description=f"{command.question}\n{command.how}",
            epilog=f"for example:\n{examples}",
            formatter_class=style,
        )
        command.add_options(subparser)
    if not argv or argv[0] not in (*COMMANDS, "-h", "--help"):
        argv = ["check", *argv]
    return parser.parse_args(argv)
