"""What the commands of `python -m parity` do: run, print the answer, write the records, return the exit status.

Here are those whose answer is a list of verdicts; the others stand in `parity.cli.tools` and `parity.cli.speed`.
"""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Iterable

from rich.console import Console

from lyceum.contract import UsageError
from parity.bench.costs import costs
from parity.cli.speed import bench, layer_benchmarks, overhead
from parity.cli.tools import audit, mutants, perturb, quantizers, report
from parity.compare.variants import variants
from parity.float64 import LIMITATIONS
from parity.project import checks
from parity.results.console import console, rows, save
from parity.results.environment import environment, line
from parity.results.findings import counted, recorded
from parity.results.table import agreement, tables
from parity.results.verdict import AGREEMENT, Verdict

__all__ = [
    "audit", "bench", "check", "layer_benchmarks", "localize", "mutants", "perturb", "overhead", "quantizers", "report",
    "theorems", "training",
]  # fmt: skip


def check(options: Namespace) -> int:
    """Cases and theorems."""
    chosen = tuple(variants(tuple(options.dtype or ("float64", "float32")), tuple(options.compiled or ()), options.gpu))
    found = gathered(checks.cases() | checks.proofs(), options.patterns, options.seeds, chosen)
    out = console()
    for drawn in tables(found, "Definition, PyTorch and MLX, case by case"):
        out.print(drawn)
    out.print("Float64 leaves out, as limitations of MLX that the exact mode does not replace:")
    for limit in LIMITATIONS:
        size = "" if math.isnan(limit.error) else f" (relative error {limit.error:.0e})"
        out.print(f"  {limit.name}: {limit.reason}{size}", markup=False)
    worst = f"worst relative error {agreement(found):.1e} (promised: {AGREEMENT:.0e})"
    out.print(f"\nFloat64, both backends, derivatives up to second order: {worst}")
    return concluded(found, options, out, costed(options.patterns, out) if options.costs else ())


def theorems(options: Namespace) -> int:
    """Theorems alone, on many seeds."""
    found = gathered(checks.proofs(), options.patterns, options.seeds)
    out = console()
    out.print(*tables(found, f"Theorems, {options.seeds} draws each"))
    return concluded(found, options, out)


def training(options: Namespace) -> int:
    """Whole training runs."""
    from parity.project.training import verdicts

    out = console()
    with out.status("training both backends ..."):
        found = list(verdicts())
    out.print(*tables(found, "Training"))
    return concluded(found, options, out)


def localize(options: Namespace) -> int:
    """Where two modules part first."""
    from parity.localize import localize as find
    from parity.localize.targets import subject

    given = subject(options.first, options.second, options.input or (), options.names)
    out = console()
    with out.status("forcing every submodule ..."):
        found = find(**vars(given))
    out.print(found.table())
    out.print(found.sentence(), style="red" if found.first_divergence else "", markup=False, soft_wrap=True)
    save(options, [{"record": "environment"} | environment(), *found.records()])
    return 1 if found.first_divergence else 0


def gathered(checks: dict[str, checks.Check], patterns: list[str], seeds: int, *chosen) -> list[Verdict]:
    """The verdicts of the checks that the patterns select, over the seeds; chosen: the variants, if not all."""
    try:
        selected = checks.select(checks, patterns)
    except LookupError as error:
        raise UsageError(error.args[0]) from error
    found = []
    with console().status("checking ...") as status:
        for name, run in selected.items():
            status.update(f"checking {name} ...")
            found += [verdict for seed in range(seeds) for verdict in run(seed, *chosen)]
    return found


def costed(patterns: list[str], out: Console) -> list[dict]:
    """The costs of the cases that the patterns select, printed."""
    fitting = {n: make for n, make in checks.pairs().items() if checks.chosen(n, patterns)}
    found = [record for make in fitting.values() for record in costs(*make())]
    drawn = rows("Forward and backward in float32, in turns", "case", "variant", "ms", "peak KiB")
    for cost in found:
        drawn.add_row(
            cost["case"], cost["variant"], f"{1e3 * cost['seconds']:.2f}", f"{cost['peak_bytes'] / 1024:,.0f}"
        )
    out.print(drawn)
    return found


def concluded(found: list[Verdict], options: Namespace, out: Console, more: Iterable[dict] = ()) -> int:
    """Print what every list of verdicts ends with, write the records; the exit status."""
    red = [verdict for verdict in found if not verdict.ok]
    for verdict in red:
        out.print(verdict.sentence(), style="red", markup=False, soft_wrap=True)
    reasons = dict.fromkeys(f"{v.variant}, {v.what}: {v.limitation}" for v in found if v.limitation)
    for reason in reasons:
        out.print(f"could not be compared: {reason}", style="dim", markup=False, soft_wrap=True)
    where = environment()
    out.print(f"{counted(found)}   {line(where)}", markup=False, soft_wrap=True)
    save(options, [{"record": "environment"} | where, *map(recorded, found), *more])
    return 1 if red else 0
