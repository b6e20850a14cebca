"""The subcommands, and what the shell gets back: a status, and one sentence for whoever made a mistake."""

from __future__ import annotations

import inspect
import logging
import os
import re
import sys
from collections.abc import Sequence

import typer

from lyceum.cli.compare import compare
from lyceum.cli.corpus import corpus
from lyceum.cli.evaluate import evaluate
from lyceum.cli.experiments.ablation import ablation
from lyceum.cli.experiments.circuit import circuit
from lyceum.cli.experiments.drill import drill
from lyceum.cli.experiments.memory_gate import memory_gate
from lyceum.cli.experiments.retain import retain
from lyceum.cli.experiments.search import search
from lyceum.cli.interpret import interpret
from lyceum.cli.plot import plot
from lyceum.cli.quantize import quantize
from lyceum.cli.runs import runs
from lyceum.cli.sample import sample
from lyceum.cli.speed import speed
from lyceum.cli.systems import systems
from lyceum.contract import UserError

# One line a subcommand, in the order of --help.
COMMANDS = {
    "systems": systems,
    "runs": runs,
    "compare": compare,
    "evaluate": evaluate,
    "plot": plot,
    "sample": sample,
    "speed": speed,
    "quantize": quantize,
    "interpret": interpret,
    "circuit": circuit,
    "retain": retain,
    "ablation": ablation,
    "drill": drill,
    "search": search,
    "memory-gate": memory_gate,
    "corpus": corpus,
}
HELP = """Two personas, Aristotle and Euclid, each in MLX and in PyTorch: what is done with their runs.

Runs are trained by train_mps.py. For example:

    $ python train_mps.py --backend torch --steps 1001 --out runs/a
    $ lyceum sample runs/a "ROMEO:"
"""


def described(docstring: str) -> str:
    """A docstring whose paragraphs are one line each, so that --help fits any terminal; examples are indented."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(docstring))
    return "\n\n".join(text if text.startswith(" ") else " ".join(text.split()) for text in paragraphs)


app = typer.Typer(pretty_exceptions_enable=False, help=described(HELP))
for name, command in COMMANDS.items():
    app.command(name, help=described(command.__doc__))(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0, 1 for what failed, 2 for a wrong command line, 130 after Ctrl-C."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("lyceum").setLevel(logging.INFO)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ± shows a question mark
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        status = app(arguments, prog_name="lyceum", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        return _refused(str(error), error.exit_status)
    except typer.TyperException as error:
        return _refused(_sentence(error), error.exit_code)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status or 0


def _sentence(error: typer.TyperException) -> str:
    """What is wrong with the command line, and where to read what is right."""
    context = getattr(error, "ctx", None)
    command = "lyceum" if context is None else context.command_path
    message = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    return f"{message[:1].lower()}{message[1:]} (see {command} --help)."


def _refused(sentence: str, status: int) -> int:
    print(f"lyceum: {sentence}", file=sys.stderr)
    return status
