"""check, theorems, training: the commands whose answer is a list of verdicts."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console

from lyceum.contract import UsageError
from parity.cli.command import DTYPES, Command, Parser, add_files, positive
from parity.results.console import console, empty_table

if TYPE_CHECKING:
    from parity.results.records import Cost
    from parity.results.verdict import Verdict

PATTERNS = "a part of a case's or theorem's name, a system, or a persona"


def check(options: Namespace) -> int:
    """Cases and theorems."""
    from parity.float64 import LIMITATIONS
    from parity.project import checks
    from parity.results.table import agreement, tables
    from parity.results.verdict import AGREEMENT
    from parity.sides.variants import variants

    columns = variants(tuple(options.dtype or ("float64", "float32")), tuple(options.compiled or ()), options.gpu)
    verdicts = run_checks(checks.cases() | checks.proofs(), options.patterns, options.seeds, tuple(columns))
    out = console()
    for table in tables(verdicts, "Reference, PyTorch and MLX, case by case"):
        out.print(table)
    out.print("Float64 leaves out, as limitations of MLX that the exact mode does not replace:")
    for limitation in LIMITATIONS:
        size = "" if math.isnan(limitation.error) else f" (relative error {limitation.error:.0e})"
        out.print(f"  {limitation.name}: {limitation.reason}{size}", markup=False)
    worst = f"worst relative error {agreement(verdicts):.1e} (allowed: {AGREEMENT:.0e})"
    out.print(f"\nFloat64, both backends, derivatives up to second order: {worst}")
    costs = measured_costs(options.patterns, out) if options.costs else ()
    return conclude(verdicts, options, out, costs)


def theorems(options: Namespace) -> int:
    """Theorems alone, on many seeds."""
    from parity.project import checks
    from parity.results.table import tables

    verdicts = run_checks(checks.proofs(), options.patterns, options.seeds)
    out = console()
    out.print(*tables(verdicts, f"Theorems, {options.seeds} draws each"))
    return conclude(verdicts, options, out)


def training(options: Namespace) -> int:
    """Complete training runs."""
    from parity.project.training import verdicts as training_verdicts
    from parity.results.table import tables

    out = console()
    with out.status("training both backends ..."):
        verdicts = list(training_verdicts())
    out.print(*tables(verdicts, "Training"))
    return conclude(verdicts, options, out)


def run_checks(
    by_name: dict[str, Callable[..., Iterator[Verdict]]], patterns: list[str], seeds: int, *variants: tuple
) -> list[Verdict]:
    """The verdicts of the checks that the patterns select, over the seeds. variants: one tuple, or none for all."""
    from parity.project import checks

    try:
        selected = checks.select(by_name, patterns)
    except LookupError as error:
        raise UsageError(error.args[0]) from error
    verdicts = []
    with console().status("checking ...") as status:
        for name, run in selected.items():
            status.update(f"checking {name} ...")
            for seed in range(seeds):
                verdicts += run(seed, *variants)
    return verdicts


def measured_costs(patterns: list[str], out: Console) -> list[Cost]:
    """The costs of the cases that the patterns select, printed as a table."""
    from parity.bench.costs import costs
    from parity.project import checks

    pairs = (make() for name, make in checks.pairs().items() if checks.chosen(name, patterns))
    rows = [cost for pair, point in pairs for cost in costs(pair, point)]
    table = empty_table("Forward and backward in float32, in turns", "case", "variant", "ms", "peak KiB")
    for cost in rows:
        table.add_row(cost.case, cost.variant, f"{1e3 * cost.seconds:.2f}", f"{cost.peak_bytes / 1024:,.0f}")
    out.print(table)
    return rows


def conclude(verdicts: list[Verdict], options: Namespace, out: Console, costs: Iterable[Cost] = ()) -> int:
    """Print failures, limitations and the count, write the records; the exit status."""
    from parity.results.environment import environment, line
    from parity.results.findings import causes, count
    from parity.results.saving import save

    failures = [verdict for verdict in verdicts if not verdict.ok]
    for sentence in causes(failures):
        out.print(sentence, style="red", markup=False, soft_wrap=True)
    reasons = dict.fromkeys(f"{v.variant}, {v.what}: {v.limitation}" for v in verdicts if v.limitation)
    for reason in reasons:
        out.print(f"could not be compared: {reason}", style="dim", markup=False, soft_wrap=True)
    out.print(f"{count(verdicts)}   {line(environment())}", markup=False, soft_wrap=True)
    save(options, [verdict.record() for verdict in verdicts] + [{"record": "cost"} | asdict(cost) for cost in costs])
    return 1 if failures else 0


def add_check_options(parser: Parser) -> None:
    """Options of `check`."""
    parser.add_argument("patterns", nargs="*", metavar="WORD", help=PATTERNS)
    parser.add_argument("--seeds", type=positive, default=1, metavar="N", help="draws of each (1)")
    dtype = "a precision to compare with the float64 oracle, may be repeated (float64 and float32)"
    parser.add_argument("--dtype", action="append", choices=DTYPES, help=dtype)
    compiled = "run this backend compiled as well"
    parser.add_argument("--compiled", action="append", choices=("mlx", "torch"), help=compiled)
    parser.add_argument("--gpu", action="store_true", help="run on this machine's GPU as well (MPS, Metal, CUDA)")
    costs = "measure time and peak memory of each case in both backends"
    parser.add_argument("--costs", action="store_true", help=costs)
    add_files(parser)


def add_theorems_options(parser: Parser) -> None:
    """Options of `theorems`."""
    parser.add_argument("patterns", nargs="*", metavar="WORD", help=PATTERNS)
    parser.add_argument("--seeds", type=positive, default=20, metavar="N", help="draws of each (20)")
    add_files(parser)


CHECK = Command(
    "check",
    "Do reference, PyTorch and MLX agree: values, gradients, jvp, second order, batched and looped?",
    "Runs the cases and theorems whose names contain one of the words; all of them without a word.",
    ("check attention norm --dtype float32 --dtype bfloat16 --compiled mlx --junit check.xml",),
    add_check_options,
    check,
)
THEOREMS = Command(
    "theorems",
    "Do the theorems hold, in the reference and in both backends?",
    "Draws new inputs for each of N seeds.",
    ("theorems euclid --seeds 100",),
    add_theorems_options,
    theorems,
)
TRAINING = Command(
    "training",
    "Do complete training runs agree: AdamW over 50 steps, the loss at each of 500 steps, checkpoints across backends?",
    "Compares each with the envelope of runs whose starts differ by one unit in the last digit.",
    ("training --json training.jsonl",),
    add_files,
    training,
)
