"""What `python -m parity` can be told: its commands, their options, and the words that teach them."""

from __future__ import annotations

import argparse

from lyceum.contract import UsageError

COMMANDS = {
    "check": (
        "Do definition, PyTorch and MLX agree: values, gradients, jvp, second order, batched and looped?",
        "Runs the cases and theorems whose names contain one of the words; all of them without a word.",
    ),
    "theorems": (
        "Do the theorems of the definitions hold, in the definition and in both backends?",
        "Draws new inputs for each of N seeds.",
    ),
    "localize": (
        "Where do an MLX and a PyTorch module part?",
        "Gives each submodule the other backend's inputs and names the first that differs: forward, backward, update.",
    ),
    "mutants": (
        "Can the checks fail, and do they cry wolf?",
        "Plants mistakes that people make (all must be caught) and harmless rewrites (none may be flagged).",
    ),
    "training": (
        "Do whole training runs agree: AdamW over 50 steps, the loss at each of 500 steps, checkpoints across backends?",
        "Compares each with the envelope of runs whose starts differ by one unit in the last place.",
    ),
    "audit": (
        "Has everything that the backends compute with a kernel on Apple's GPU?",
        "Looks up each PyTorch operator and MLX primitive in the packages' own tables: a check, not a run.",
    ),
    "bench": (
        "How long does an iteration take, and what share of the baseline's time?",
        "Alternates between the candidates on the contract's sizes; wants an otherwise idle machine.",
    ),
    "layer_benchmarks": (
        "What does a system cost beside the layer that it replaces?",
        "Times a layer against another in either backend, in turns; wants an otherwise idle machine.",
    ),
    "overhead": (
        "What does the harness cost beside the models that it runs?",
        "Times a check of a Llama-sized block against the bare evaluations that it is made of.",
    ),
    "quantizers": (
        "What do the personas' quantizers cost in loss, and what do plain groups of 4 bits?",
        "Quantizes the run in RUN_DIR with each and measures full_vloss; the run stays as it is.",
    ),
    "report": (
        "What does all of this look like on one page?",
        "Writes one HTML file that needs no network: of the JSON lines in FILE ..., or of everything, run now.",
    ),
    "perturb": (
        "How far apart can two full runs end that start one unit in the last place apart?",
        "Writes a run folder with such a start, for train_mps.py --resume to train.",
    ),
}
EXAMPLES = {
    "check": "check attention norm --dtype float32 --dtype bfloat16 --compiled mlx --junit check.xml",
    "localize": "localize mlx:aristotle torch:aristotle\n"
    "  python -m parity localize my_port.py:mlx_block my_port.py:torch_block --input 2,16,64",
    "mutants": "mutants --seeds 5",
    "report": "report --out report.html\n  python -m parity report check.jsonl bench.jsonl --out report.html",
}
DTYPES = ("float64", "float32", "bfloat16", "float16")


class Parser(argparse.ArgumentParser):
    """Reports a mistake as one sentence, not as a page of usage."""

    def error(self, message: str) -> None:
        raise UsageError(f"{message} (see {self.prog} --help).")


def positive(text: str) -> int:
    """A count of at least one, for argparse."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a count of at least 1")
    return value


def arguments(argv: list[str], about: str) -> argparse.Namespace:
    """The command and its options; without a command it is `check`."""
    parser = Parser("python -m parity", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    by_name = {name: _command(commands, name, *words) for name, words in COMMANDS.items()}
    for name in COMMANDS.keys() - {"layer_benchmarks", "perturb", "report"}:
        by_name[name].add_argument("--json", metavar="FILE", help="write one JSON record a line to FILE as well")
    for name in ("check", "theorems", "localize", "mutants", "training", "audit"):
        by_name[name].add_argument("--junit", metavar="FILE", help="write JUnit XML for a CI system to FILE as well")
    for add in (_chosen, _localised, _timed, _written):
        add(by_name)
    if not argv or argv[0] not in (*COMMANDS, "-h", "--help"):
        argv = ["check", *argv]
    return parser.parse_args(argv)


def _command(commands: argparse._SubParsersAction, name: str, question: str, how: str) -> Parser:
    example = f"for example:\n  python -m parity {EXAMPLES[name]}" if name in EXAMPLES else None
    style = argparse.RawDescriptionHelpFormatter
    return commands.add_parser(
        name, help=question, description=f"{question}\n{how}", epilog=example, formatter_class=style
    )


def _chosen(by_name: dict[str, Parser]) -> None:
    for name, seeds in (("check", 1), ("theorems", 20)):
        words = "a part of a case's or theorem's name, or a persona"
        by_name[name].add_argument("patterns", nargs="*", metavar="WORD", help=words)
        by_name[name].add_argument(
            "--seeds", type=positive, default=seeds, metavar="N", help=f"draws of each ({seeds})"
        )
    check = by_name["check"]
    words = "a precision to hold against the float64 oracle, may be repeated (float64 and float32)"
    check.add_argument("--dtype", action="append", choices=DTYPES, help=words)
    check.add_argument(
        "--compiled", action="append", choices=("mlx", "torch"), help="run this backend compiled as well"
    )
    check.add_argument("--gpu", action="store_true", help="run on this machine's GPU as well (MPS, Metal, CUDA)")
    check.add_argument(
        "--costs", action="store_true", help="measure time and peak memory of each case in both backends"
    )
    mutants = by_name["mutants"]
    mutants.add_argument("--seeds", type=positive, default=1, metavar="N", help="draws on which each is tried (1)")


def _localised(by_name: dict[str, Parser]) -> None:
    localize = by_name["localize"]
    localize.add_argument("first", metavar="A", help="package.module:NAME, file.py:NAME, or mlx:PERSONA")
    localize.add_argument("second", metavar="B", help="the other framework's: the same, or torch:PERSONA")
    words = "an input, may be repeated: a shape such as 2,16,64, or whole numbers below a limit, ids:2,16<97"
    localize.add_argument("--input", action="append", metavar="SHAPE", help=words)
    localize.add_argument(
        "--names", metavar="REF", help="how the parameters correspond: file.py:NAME of a dict or list"
    )


def _timed(by_name: dict[str, Parser]) -> None:
    layer_benchmarks = by_name["layer_benchmarks"]
    layer_benchmarks.add_argument("patterns", nargs="*", metavar="WORD", help="a part of a contest's name")
    layer_benchmarks.add_argument("--rounds", type=positive, default=20, metavar="K", help="rounds of each (20)")
    bench = by_name["bench"]
    bench.add_argument("--rounds", type=positive, default=8, metavar="K", help="rounds in which all take turns (8)")
    bench.add_argument("--steps", type=positive, default=10, metavar="N", help="iterations of each in a round (10)")
    bench.add_argument("--threads", type=positive, metavar="N", help="threads of both frameworks (all cores)")
    bench.add_argument("--baseline-mlx", action="store_true", help="enter baseline-mlx too, slow on a CPU")
    by_name["overhead"].add_argument("--rounds", type=positive, default=5, metavar="K", help="rounds (5)")


def _written(by_name: dict[str, Parser]) -> None:
    by_name["quantizers"].add_argument("run", metavar="RUN_DIR", help="the folder of a trained run")
    report = by_name["report"]
    report.add_argument("files", nargs="*", metavar="FILE", help="JSON lines that other commands wrote with --json")
    report.add_argument("--out", default="report.html", metavar="FILE", help="the page (report.html)")
    perturb = by_name["perturb"]
    perturb.add_argument("out", metavar="RUN_DIR", help="the run folder to write")
    perturb.add_argument(
        "--backend", choices=("mlx", "torch"), default="torch", help="the backend that trains it (torch)"
    )
    perturb.add_argument("--persona", default="aristotle", help="the persona (aristotle)")
    perturb.add_argument("--seed", type=int, default=1337, help="the seed of the run to compare with (1337)")
    perturb.add_argument("--control", type=int, default=1, metavar="K", help="which random ups and downs (1)")
