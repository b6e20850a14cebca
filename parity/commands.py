"""What the commands of `python -m parity` do: run the checks, print the answer, return the exit status."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape

from parity import registry
from parity.environment import environment, line
from parity.exact import LIMITATIONS
from parity.report import console, rows, write
from parity.table import agreement, share, table
from parity.verdict import AGREEMENT, Verdict
from training.contract import UsageError


def check(options: Namespace) -> int:
    """Cases and theorems."""
    found = gathered(registry.cases() | registry.proofs(), options)
    out = console()
    out.print(table(found, "Definition, PyTorch and MLX, case by case"))
    out.print("Float64 leaves out, as limitations of MLX that the exact mode does not replace:")
    for limit in LIMITATIONS:
        size = "" if math.isnan(limit.error) else f" (relative error {limit.error:.0e})"
        out.print(f"  {limit.name}: {limit.reason}{size}", markup=False)
    worst = f"worst relative error {agreement(found):.1e} (promised: {AGREEMENT:.0e})"
    out.print(f"\nFloat64, outputs and gradients of both wings: {worst}")
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
    write(options.json, [{"record": "environment"} | where, *map(recorded, found)])
    return 1 if red else 0


def recorded(verdict: Verdict) -> dict:
    """The record of a verdict."""
    return {"record": "verdict", "ok": verdict.ok} | asdict(verdict)


def mutants(options: Namespace) -> int:
    """Planted faults."""
    from parity.mutants import MUTANTS, healthy, run

    out = console()
    with out.status("checking the unchanged wings ..."):
        red = [verdict for verdict in healthy() if not verdict.ok]
    for verdict in red:
        out.print(f"without any fault: {verdict.sentence()}", style="red", markup=False, soft_wrap=True)
    drawn = rows("Planted faults", "wing", "fault", "what a person would have done", "caught by", "error / bound")
    with out.status("planting faults ..."):
        outcomes = list(run())
    for outcome in outcomes:
        verdict = outcome.verdict
        by = (f"{verdict.case}, {verdict.leg}", f"{share(verdict):.0e}") if verdict else ("[red]nothing[/]", "")
        drawn.add_row(outcome.wing, outcome.fault.name, outcome.fault.mistake, *by)
    out.print(drawn)
    caught = sum(outcome.verdict is not None for outcome in outcomes)
    out.print(f"{caught} of {len(MUTANTS)} planted faults caught.")
    found = ({"record": "fault", "caught": outcome.verdict is not None} | asdict(outcome) for outcome in outcomes)
    write(options.json, [{"record": "environment"} | environment(), *found])
    return 1 if red or caught < len(MUTANTS) else 0


def audit(options: Namespace) -> int:
    """Kernels on Apple's GPU."""
    from parity.audit import audit as rows_of_audit

    out = console()
    with out.status("following both wings ..."):
        found = list(rows_of_audit())
    for wing, what in (("torch", "operator"), ("mlx", "primitive")):
        own = [row for row in found if row.wing == wing]
        drawn = rows(f"{wing} on Apple's GPU", what, "first met in", "served by", "verdict")
        for row in own:
            drawn.add_row(row.name, row.where, escape(row.served), "[green]ok[/]" if row.ok else "[red]red[/]")
        out.print(drawn)
        out.print(f"{wing}: {sum(row.ok for row in own)} of {len(own)} green.\n")
    red = [row for row in found if not row.ok]
    for row in red:
        out.print(row.sentence(), style="red", markup=False, soft_wrap=True)
    out.print("This is a check by table, not a run on Apple hardware.")
    write(options.json, [{"record": "environment"} | environment(), *({"record": "audit"} | asdict(r) for r in found)])
    return 1 if red else 0


def bench(options: Namespace) -> int:
    """Time per iteration."""
    from parity.bench import PROMISED, REFERENCE, run

    out = console()
    pairs = [("baseline", "torch"), ("aristotle", "torch"), ("aristotle", "mlx")]
    pairs += [("baseline", "mlx")] if options.baseline_mlx else []
    with out.status("timing ..."):
        timings = run(pairs, options.rounds, options.steps)
    title = f"Time per iteration, {options.rounds} rounds of {options.steps}"
    drawn = rows(title, "", "device", "ms", f"x {REFERENCE}", "95%")
    for timing in timings:
        figures = f"{1e3 * timing.seconds:.1f}", f"{timing.ratio:.3f}", f"{timing.low:.3f} to {timing.high:.3f}"
        drawn.add_row(timing.name, timing.device, *figures)
    out.print(drawn)
    for timing in timings:
        if timing.name in PROMISED:
            answer = f"promised: {PROMISED[timing.name]}; {'kept' if timing.kept else '[red]broken[/]'}"
            out.print(f"{timing.name} takes {timing.ratio:.3f} of {REFERENCE}'s time; {answer}.")
    where = environment()
    out.print(line(where), soft_wrap=True)
    write(options.json, [{"record": "environment"} | where, *({"record": "timing"} | asdict(t) for t in timings)])
    return 0 if all(timing.kept for timing in timings) else 1


def nudge(options: Namespace) -> int:
    """A full run's start, moved by one ulp."""
    from parity.nudge import nudge as write_start
    from train_mps import FIXED

    place = write_start(FIXED, options.out, options.backend, options.persona, options.seed, options.control)
    console().print(f"wrote {place}; train it with python train_mps.py --resume {place}", markup=False, soft_wrap=True)
    return 0
