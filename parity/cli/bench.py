"""bench, layer-benchmarks, overhead: speed, as ratios taken in turns."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import asdict

from lyceum.contract import UsageError
from parity.cli.command import Command, Parser, add_files, positive
from parity.results.console import console, empty_table


def bench(options: Namespace) -> int:
    """Time per iteration."""
    from parity.bench.iterations import run
    from parity.results.environment import environment, line
    from parity.results.records import REFERENCE
    from parity.results.saving import save

    out = console()
    pairs = [("baseline", "torch"), ("aristotle", "torch"), ("aristotle", "mlx")]
    if options.baseline_mlx:
        pairs.append(("baseline", "mlx"))
    with out.status("timing ..."):
        timings = run(pairs, options.rounds, options.steps)
    title = f"Time per iteration, {options.rounds} rounds of {options.steps}"
    table = empty_table(title, "", "device", "ms", f"x {REFERENCE}", "95%")
    for timing in timings:
        figures = f"{1e3 * timing.seconds:.1f}", f"{timing.ratio:.3f}", f"{timing.low:.3f} to {timing.high:.3f}"
        table.add_row(timing.name, timing.device, *figures)
    out.print(table)
    for timing in timings:
        if timing.budget is not None:
            answer = f"budget: {timing.budget}; {within_or_over(timing.within_budget)}"
            out.print(f"{timing.name} takes {timing.ratio:.3f} of {REFERENCE}'s time; {answer}.")
    out.print(line(environment()), soft_wrap=True)
    save(options, [{"record": "timing"} | asdict(timing) for timing in timings])
    return 0 if all(timing.within_budget for timing in timings) else 1


def layer_benchmarks(options: Namespace) -> int:
    """Systems beside the layers that they replace."""
    from parity.bench.layer_benchmarks import run
    from parity.results.environment import environment, line

    headings = ("benchmark", "backend", "ms", "ratio", "95%", "budget", "")
    table = empty_table("Time beside the layer that it replaces", *headings)
    all_within = True
    try:
        for outcome in run(options.patterns, options.rounds):
            budget, answer = "", ""
            if outcome.benchmark.budget < math.inf:
                budget, answer = f"{outcome.benchmark.budget:g}", within_or_over(outcome.within_budget)
            figures = f"{1e3 * outcome.seconds:.2f}", f"{outcome.ratio:.2f}", f"{outcome.low:.2f} to {outcome.high:.2f}"
            table.add_row(outcome.benchmark.name, outcome.backend, *figures, budget, answer)
            all_within = all_within and outcome.within_budget
    except LookupError as error:
        raise UsageError(error.args[0]) from error
    out = console()
    out.print(table)
    out.print(line(environment()), soft_wrap=True)
    return 0 if all_within else 1


def overhead(options: Namespace) -> int:
    """The harness beside the models that it runs."""
    from parity.bench.overhead import run
    from parity.results.saving import save

    out = console()
    with out.status("timing ..."):
        overhead = run(options.rounds)
    title = f"One first-order check, {1e3 * overhead.seconds:.0f} ms"
    table = empty_table(title, "it evaluates", "times", "ms each, alone")
    for name, (count, seconds) in overhead.evaluations.items():
        table.add_row(name, str(count), f"{1e3 * seconds:.1f}")
    out.print(table)
    answer = f"budget: less than {overhead.budget:.0%}; {within_or_over(overhead.within_budget)}"
    out.print(f"The harness adds {overhead.share:.1%} to the evaluations that a check is made of; {answer}.")
    derives = f"{overhead.rounding:.0%} of it derives the bounds"
    out.print(f"A check takes {overhead.plain:.1f} times its four variants alone; {derives}.")
    save(options, [{"record": "overhead"} | asdict(overhead)])
    return 0 if overhead.within_budget else 1


def within_or_over(within_budget: bool) -> str:
    """The answer in a table or a sentence."""
    return "[green]within[/]" if within_budget else "[red]over[/]"


def add_bench_options(parser: Parser) -> None:
    """Options of `bench`."""
    parser.add_argument("--rounds", type=positive, default=8, metavar="K", help="rounds in which all take turns (8)")
    parser.add_argument("--steps", type=positive, default=10, metavar="N", help="iterations of each in a round (10)")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of both frameworks (all cores)")
    parser.add_argument("--baseline-mlx", action="store_true", help="time baseline-mlx too, slow on a CPU")
    add_files(parser, junit=False)


def add_layer_benchmarks_options(parser: Parser) -> None:
    """Options of `layer-benchmarks`."""
    parser.add_argument("patterns", nargs="*", metavar="WORD", help="a part of a benchmark's name")
    parser.add_argument("--rounds", type=positive, default=20, metavar="K", help="rounds of each (20)")


def add_overhead_options(parser: Parser) -> None:
    """Options of `overhead`."""
    parser.add_argument("--rounds", type=positive, default=5, metavar="K", help="rounds (5)")
    add_files(parser, junit=False)


BENCH = Command(
    "bench",
    "How long does an iteration take, and what share of the baseline's time?",
    "Alternates between the candidates on the contract's sizes; needs an otherwise idle machine.",
    ("bench --rounds 16 --json bench.jsonl",),
    add_bench_options,
    bench,
)
LAYER_BENCHMARKS = Command(
    "layer-benchmarks",
    "What does a system cost beside the layer that it replaces?",
    "Times a layer against another in either backend, in turns; needs an otherwise idle machine.",
    ("layer-benchmarks attention --rounds 40",),
    add_layer_benchmarks_options,
    layer_benchmarks,
)
OVERHEAD = Command(
    "overhead",
    "What does the harness cost beside the models that it runs?",
    "Times a check of a Llama-sized block against the bare evaluations that it is made of.",
    ("overhead --rounds 10",),
    add_overhead_options,
    overhead,
)
