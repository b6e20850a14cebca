"""What the commands of `python -m parity` do: run the checks, print the answer, return the exit status."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from parity import registry
from parity.check import AGREEMENT, Verdict
from parity.environment import environment, line
from parity.exact import LIMITATIONS
from parity.table import agreement, lines, share, table
from training import atomic
from training.contract import UsageError

WIDTH = 150  # where the output is not a terminal


def console() -> Console:
    """Where everything is printed."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def check(options: Namespace) -> int:
    """Cases and theorems."""
    found = gathered(registry.cases() | registry.proofs(), options)
    out = console()
    out.print(table(found, "Definition, PyTorch and MLX, case by case"))
    out.print("Float64 leaves out, as limitations of MLX that the exact mode does not replace:")
    for limit in LIMITATIONS:
        out.print(f"  {limit.name}: {limit.reason} (relative error {limit.error:.0e})", markup=False)
    worst = agreement(found)
    out.print(f"\nFloat64, outputs and gradients of both wings: worst relative error {worst:.1e} (promised: {AGREEMENT:.0e})")
    return concluded(found, options, out)


def theorems(options: Namespace) -> int:
    """Theorems alone, on many seeds."""
    found = gathered(registry.proofs(), options)
    out = console()
    out.print(table(found, f"Theorems, {options.seeds} draws each"))
    return concluded(found, options, out)


def training(options: Namespace) -> int:
    """Whole training runs."""
    from parity.training import verdicts
    from personas import PERSONAS

    out = console()
    with out.status("training both wings ..."):
        found = list(verdicts(tuple(PERSONAS)))
    out.print(table(found, "Training"))
    return concluded(found, options, out)


def gathered(checks: dict[str, registry.Check], options: Namespace) -> list[Verdict]:
    """The verdicts of the checks that the options select, over their seeds."""
    try:
        chosen = registry.select(checks, options.patterns)
    except LookupError as error:
        raise UsageError(error.args[0]) from error
    found = []
    with console().status("checking ...") as status:
        for name, run in chosen.items():
            status.update(f"checking {name} ...")
            found += [verdict for seed in range(options.seeds) for verdict in run(seed)]
    return found


def concluded(found: list[Verdict], options: Namespace, out: Console) -> int:
    """Print what every list of verdicts ends with, write the records; the exit status."""
    red = [verdict for verdict in found if not verdict.ok]
    for verdict in red:
        out.print(verdict.sentence(), style="red", markup=False, soft_wrap=True)
    where = environment()
    out.print(f"{len(found) - len(red)} of {len(found)} verdicts green.   {line(where)}", soft_wrap=True)
    write(options.json, lines(where, found))
    return 1 if red else 0


def write(path: str | None, data: bytes) -> None:
    """Write the records, if they are asked for, whole or not at all."""
    if path is None:
        return
    try:
        atomic.write(Path(path), data)
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror}): choose another --json file.") from error


def mutants(options: Namespace) -> int:
    """Planted faults."""
    from parity.mutants import MUTANTS, healthy, run

    out = console()
    with out.status("checking the unchanged wings ..."):
        red = [verdict for verdict in healthy() if not verdict.ok]
    for verdict in red:
        out.print(f"without any fault: {verdict.sentence()}", style="red", markup=False, soft_wrap=True)
    drawn = rows("Planted faults", "wing", "fault", "what a person would have done", "caught by")
    outcomes = []
    with out.status("planting faults ..."):
        outcomes += run()
    for outcome in outcomes:
        verdict = outcome.verdict
        by = f"{verdict.case}, {verdict.leg}, {verdict.what}: {share(verdict):.0e} x the bound" if verdict else "[red]nothing[/]"
        drawn.add_row(outcome.wing, outcome.fault.name, outcome.fault.mistake, by)
    out.print(drawn)
    caught = sum(outcome.verdict is not None for outcome in outcomes)
    out.print(f"{caught} of {len(MUTANTS)} planted faults caught.")
    write(options.json, lines(environment(), [outcome.verdict for outcome in outcomes if outcome.verdict]))
    return 1 if red or caught < len(MUTANTS) else 0


def bench(options: Namespace) -> int:
    """Time per iteration."""
    from parity.bench import PROMISED, REFERENCE, run

    out = console()
    pairs = [("baseline", "torch"), ("aristotle", "torch"), ("aristotle", "mlx")]
    pairs += [("baseline", "mlx")] if options.baseline_mlx else []
    with out.status("timing ..."):
        timings = run(pairs, options.rounds, options.steps)
    drawn = rows(f"Time per iteration, {options.rounds} rounds of {options.steps}", "", "device", "ms", f"x {REFERENCE}", "95%")
    for timing in timings:
        drawn.add_row(timing.name, timing.device, f"{1e3 * timing.seconds:.1f}", f"{timing.ratio:.3f}",
                      f"{timing.low:.3f} to {timing.high:.3f}")
    out.print(drawn)
    for timing in timings:
        if timing.name in PROMISED:
            answer = "kept" if timing.kept else "[red]broken[/]"
            out.print(f"{timing.name} takes {timing.ratio:.3f} of {REFERENCE}'s time; promised: {PROMISED[timing.name]}; {answer}.")
    where = environment()
    out.print(line(where), soft_wrap=True)
    write(options.json, records(where, (asdict(timing) for timing in timings)))
    return 0 if all(timing.kept for timing in timings) else 1


def rows(title: str, *columns: str) -> Table:
    """An empty table in the common style."""
    return Table(*columns, title=title, title_justify="left", box=box.SIMPLE)
