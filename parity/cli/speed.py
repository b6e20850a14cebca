"""The commands of `python -m parity` that time something: see `parity.cli.commands`."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import asdict

from lyceum.contract import UsageError
from parity.results.console import console, rows, save
from parity.results.environment import environment, line


def bench(options: Namespace) -> int:
    """Time per iteration."""
    from parity.bench.iterations import PROMISED, REFERENCE, run

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
    save(options, [{"record": "environment"} | where, *({"record": "timing"} | asdict(t) for t in timings)])
    return 0 if all(timing.kept for timing in timings) else 1


def layer_benchmarks(options: Namespace) -> int:
    """Systems against the layers that they replace."""
    from parity.bench.layer_benchmarks import run

    out, kept = console(), True
    drawn = rows("Time beside the layer that it replaces", "contest", "backend", "ms", "ratio", "95%", "promised", "")
    try:
        for found in run(options.patterns, options.rounds):
            promise = f"{found.contest.promised:g}" if found.contest.promised < math.inf else ""
            answer = ("[green]kept[/]" if found.kept else "[red]broken[/]") if promise else ""
            figures = f"{1e3 * found.seconds:.2f}", f"{found.ratio:.2f}", f"{found.low:.2f} to {found.high:.2f}"
            drawn.add_row(found.contest.name, found.backend, *figures, promise, answer)
            kept = kept and found.kept
    except LookupError as error:
        raise UsageError(error.args[0]) from error
    out.print(drawn)
    out.print(line(environment()), soft_wrap=True)
    return 0 if kept else 1


def overhead(options: Namespace) -> int:
    """The harness beside the models."""
    from parity.bench.overhead import PROMISED, run

    out = console()
    with out.status("timing ..."):
        found = run(options.rounds)
    drawn = rows(f"One first-order check, {1e3 * found.seconds:.0f} ms", "it evaluates", "times", "ms each, alone")
    for kind, (count, seconds) in found.evaluations.items():
        drawn.add_row(kind, str(count), f"{1e3 * seconds:.1f}")
    out.print(drawn)
    kept = found.share < PROMISED
    answer = f"promised: less than {PROMISED:.0%}; {'kept' if kept else '[red]broken[/]'}"
    out.print(f"The harness adds {found.share:.1%} to the evaluations that a check is made of; {answer}.")
    out.print(
        f"A check takes {found.plain:.1f} times its four variants alone; {found.rounding:.0%} of it derives the bounds."
    )
    save(options, [{"record": "environment"} | environment(), {"record": "overhead"} | asdict(found)])
    return 0 if kept else 1
