"""perturb, quantizers: experiments on a full training run."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from rich.markup import escape

from parity.cli.command import Command, Parser, add_files
from parity.results.console import console, empty_table


def perturb(options: Namespace) -> int:
    """Initial values moved by one unit in the last digit."""
    from parity.project.perturb import perturb as write_run
    from train_mps import FIXED

    folder = write_run(FIXED, options.out, options.backend, options.persona, options.seed, options.control)
    text = f"wrote {folder}; train it with python train_mps.py --resume {folder}"
    console().print(text, markup=False, soft_wrap=True)
    return 0


def quantizers(options: Namespace) -> int:
    """The loss at fewer bits."""
    from parity.project.quantizers import run
    from parity.results.saving import save

    out = console()
    with out.status("quantizing ..."):
        outcomes = list(run(options.run))
    title = f"full_vloss of {escape(options.run)}, quantized"
    table = empty_table(title, "", "bits a weight", "full_vloss", "difference", "se")
    for outcome in outcomes:
        loss = f"{outcome.loss:.4f}", f"{outcome.difference:+.4f}", f"{outcome.error:.4f}"
        table.add_row(escape(outcome.name), f"{outcome.bits:.3f}", *loss)
    out.print(table)
    save(options, [{"record": "quantizer"} | asdict(outcome) for outcome in outcomes])
    return 0


def add_perturb_options(parser: Parser) -> None:
    """Options of `perturb`."""
    parser.add_argument("out", metavar="RUN_DIR", help="the run folder to write")
    backend = "the backend that trains it (torch)"
    parser.add_argument("--backend", choices=("mlx", "torch"), default="torch", help=backend)
    parser.add_argument("--persona", default="aristotle", help="the persona (aristotle)")
    parser.add_argument("--seed", type=int, default=1337, help="the seed of the run to compare with (1337)")
    parser.add_argument("--control", type=int, default=1, metavar="K", help="which random ups and downs (1)")


def add_quantizers_options(parser: Parser) -> None:
    """Options of `quantizers`."""
    parser.add_argument("run", metavar="RUN_DIR", help="the folder of a trained run")
    add_files(parser, junit=False)


PERTURB = Command(
    "perturb",
    "How far apart can two full runs end whose starts differ by one unit in the last digit?",
    "Writes a run folder with such a start, for train_mps.py --resume to train.",
    ("perturb runs/control --backend torch --control 1",),
    add_perturb_options,
    perturb,
)
QUANTIZERS = Command(
    "quantizers",
    "What do the personas' quantizers cost in loss, and what do plain groups of 4 bits?",
    "Quantizes the run in RUN_DIR with each and measures full_vloss; the run does not change.",
    ("quantizers runs/aristotle --json quantizers.jsonl",),
    add_quantizers_options,
    quantizers,
)
