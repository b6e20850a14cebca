"""The bridge on the command line: are the two wings the same function, and if not, where do they part?

    python -m parity                     every case and theorem, as a table
    python -m parity check attention     those whose names contain a word
    python -m parity mutants             can the checks fail at all?
    python -m parity training            do whole training runs agree?
    python -m parity audit               would everything run on Apple's GPU?
    python -m parity bench               how fast is an iteration?
    python -m parity nudge RUN_DIR       a full run whose start is moved by one unit in the last place

Exit status: 0 when everything is green, 1 when something is red (one sentence each), 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import os
import sys

from training.contract import UsageError, UserError

COMMANDS = {
    "check": (
        "Do definition, PyTorch and MLX agree, outputs and every gradient, float64 and float32?",
        "Runs the cases and theorems whose names contain one of the words; all of them without a word.",
    ),
    "theorems": (
        "Do the theorems of the definitions hold, in the definition and in both wings?",
        "Draws new inputs for each of N seeds.",
    ),
    "mutants": (
        "Can the checks fail? Are mistakes that people make caught?",
        "Plants each mistake in a wing, in memory, and names the verdict that caught it.",
    ),
    "training": (
        "Do whole training runs agree: AdamW over 50 steps, the loss at each of 200 steps, checkpoints across wings?",
        "Compares each with the envelope of runs whose starts differ by one unit in the last place.",
    ),
    "audit": (
        "Has everything that the wings compute with a kernel on Apple's GPU?",
        "Looks up each PyTorch operator and MLX primitive in the packages' own tables: a check, not a run.",
    ),
    "bench": (
        "How long does an iteration take, and what share of the baseline's time?",
        "Alternates between the contestants on the contract's sizes; wants an otherwise idle machine.",
    ),
    "nudge": (
        "How far apart can two full runs end that start one unit in the last place apart?",
        "Writes a run folder with such a start, for train_mps.py --resume to train.",
    ),
}


class Parser(argparse.ArgumentParser):
    """Reports a mistake as one sentence, not as a page of usage."""

    def error(self, message: str) -> None:
        raise UsageError(f"{message} (see python -m parity --help).")


def positive(text: str) -> int:
    """A count of at least one, for argparse."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a count of at least 1")
    return value


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command and its options; without a command it is `check`."""
    parser = Parser("python -m parity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    by_name = {
        name: commands.add_parser(name, help=question, description=f"{question} {how}")
        for name, (question, how) in COMMANDS.items()
    }
    for name in COMMANDS.keys() - {"nudge"}:
        by_name[name].add_argument("--json", metavar="FILE", help="write one JSON record a line to FILE as well")
    for name, seeds in (("check", 1), ("theorems", 20)):
        command, draws = by_name[name], f"draws of each ({seeds})"
        command.add_argument("patterns", nargs="*", metavar="WORD", help="a part of a case's or theorem's name")
        command.add_argument("--seeds", type=positive, default=seeds, metavar="N", help=draws)
    bench = by_name["bench"]
    bench.add_argument("--rounds", type=positive, default=8, metavar="K", help="rounds in which all take turns (8)")
    bench.add_argument("--steps", type=positive, default=10, metavar="N", help="iterations of each in a round (10)")
    bench.add_argument("--threads", type=positive, metavar="N", help="threads of both frameworks (all cores)")
    bench.add_argument("--baseline-mlx", action="store_true", help="enter baseline-mlx too, slow on a CPU")
    nudge = by_name["nudge"]
    nudge.add_argument("out", metavar="RUN_DIR", help="the run folder to write")
    nudge.add_argument("--backend", choices=("mlx", "torch"), default="torch", help="the wing that trains it (torch)")
    nudge.add_argument("--persona", default="aristotle", help="the persona (aristotle)")
    nudge.add_argument("--seed", type=int, default=1337, help="the seed of the run to compare with (1337)")
    nudge.add_argument("--control", type=int, default=1, metavar="K", help="which random ups and downs (1)")
    if not argv or argv[0] not in (*COMMANDS, "-h", "--help"):
        argv = ["check", *argv]
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    try:
        options = arguments(sys.argv[1:] if argv is None else argv)
        # Small tensors: but for the bench, threads would only wait for each other.
        threads = getattr(options, "threads", 1)
        if threads is not None:
            # Read once, when MKL and OpenMP are first used, which happens below.
            os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        from parity import commands

        return getattr(commands, options.command)(options)
    except UserError as error:
        print(f"python -m parity: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
