"""Train a persona on tiny Shakespeare, in MLX or in PyTorch.

    python train_mps.py                                   the contract: aristotle on MLX, 10,001 iterations
    python train_mps.py --backend torch --persona baseline --seed 7
    python train_mps.py --steps 200                       a shortened run, whose figures are not comparable
    python train_mps.py --with ssm --without rope         another composition of the persona's systems
    python train_mps.py --recipe runs/search-aristotle/record.json      what a search has chosen
    python train_mps.py --log tensorboard                 event files besides metrics.jsonl
    python train_mps.py --resume runs/aristotle-mlx-1337-20260101-120000

    from train_mps import train
    best_vloss, elapsed_min = train()

Everything else that is done with a run is a subcommand of `lyceum`: see `python -m lyceum --help`.

The block below is the contract (CONTRACT.md). These values are written nowhere else, and nothing changes them.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# Loaded by path, from another folder, without being installed: Python must see the packages beside this file.
if str(Path(__file__).resolve().parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parent))

from lyceum.contract import NAMES, Fixed, UsageError, UserError, refusal, refuse  # noqa: E402

FIXED = Fixed(
    batch_size=8,
    block_size=64,
    n_layer=4,
    n_head=4,
    n_embd=32,
    max_iters=10001,
    eval_interval=100,
    eval_batches=1,
)


def train(
    backend: str = "mlx",
    persona: str = "aristotle",
    seed: int = 1337,
    data_dir: str | None = None,
    out: str | None = None,
    device: str | None = None,
    steps: int | None = None,
    resume: str | None = None,
    quiet: bool = False,
    systems: Sequence[str] | None = None,
    log: str | None = None,
    recipe: Mapping[str, float] | None = None,
    **unknown: object,
) -> tuple[float, float]:
    """Run the contract and return (best_vloss, elapsed_min), two plain floats.

    best_vloss: the lowest of the validation-batch losses, nats per GPT-2 token. elapsed_min: wall-clock minutes of this
    call, everything included; a resumed run adds those of the sessions before it, up to the checkpoint.

    backend: "mlx" or "torch". persona: "baseline", "aristotle" or "euclid". seed: of initial values, batches and noise.
    data_dir: a folder with train.bin and val.bin, or the name of a further text ("comedies", "histories" or
    "tragedies"); None takes tiny Shakespeare. out: the run folder, new or empty; None
    makes one under ./runs. device: None takes Apple's GPU, else CUDA, else the CPU. steps: stop after so many
    iterations. resume: the folder of a run to continue; persona, systems, seed and data_dir must be those that it was
    started with. quiet: print nothing. systems: the names of the persona's enabled systems; None takes its default
    composition. log: "tensorboard" or "wandb", to log the run there too. recipe: other values of some fields of the
    persona's recipe: peak_lr, warmup_steps, weight_decay, clip_norm, dropout.

    Raises UserError (a ValueError), one sentence that says what to do; ContractError, one of them, for an attempt to
    set a fixed value; KeyboardInterrupt after Ctrl-C, once the state is saved.
    """
    entered = time.perf_counter()
    refuse(FIXED, unknown)
    # Imported here so that its time counts, and so that a mistyped flag is answered at once.
    from lyceum.training import session
    from lyceum.training.request import Request

    enabled = None if systems is None else tuple(systems)
    request = Request(backend, persona, seed, data_dir, out, device, steps, resume, enabled, log, recipe)
    return session.run(FIXED, request, entered, quiet)


class Parser(argparse.ArgumentParser):
    """Reports a mistake as an exception with one sentence, not as a page of usage."""

    def error(self, message: str) -> None:
        raise UsageError(f"{message} (see --help).")


class Refuse(argparse.Action):
    """A flag with the name of a fixed value."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        raise refusal(FIXED, self.dest, values)


def arguments(argv: list[str] | None) -> dict[str, object]:
    """What the command line gives, by name, for train(), and nothing that it leaves out."""
    parser = Parser(
        "train_mps.py",
        description="Train a persona on tiny Shakespeare, in MLX or in PyTorch.",
        epilog="For example: python train_mps.py --backend torch --persona euclid --with moe --seed 7. "
        "Everything else that is done with a run is a subcommand of lyceum: python -m lyceum --help.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("--backend", choices=("mlx", "torch"), help="the framework (default: mlx)")
    parser.add_argument("--persona", choices=("baseline", "aristotle", "euclid"), help="default: aristotle")
    parser.add_argument("--seed", type=int, help="of initial values, batches and noise (default: 1337)")
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="train.bin and val.bin of another text, or comedies, histories or tragedies (not comparable)",
    )
    parser.add_argument("--out", metavar="DIR", help="the run folder (default: a new one under ./runs)")
    parser.add_argument("--device", help="mps, metal, cuda or cpu (default: the best there is)")
    parser.add_argument("--with", metavar="A,B", help="systems to enable besides the default ones (see lyceum systems)")
    parser.add_argument("--without", metavar="A,B", help="default systems to leave out")
    parser.add_argument("--recipe", metavar="FILE", help="a persona's record (lyceum search), or the JSON text of one")
    parser.add_argument("--steps", type=int, metavar="N", help="stop after N iterations (not comparable)")
    parser.add_argument("--resume", metavar="RUN_DIR", help="continue the run in this folder, as it was started")
    parser.add_argument("--log", choices=("tensorboard", "wandb"), help="log the run there too, besides metrics.jsonl")
    for name in NAMES:
        spellings = dict.fromkeys(("--" + name.replace("_", "-"), "--" + name))
        parser.add_argument(*spellings, dest=name, nargs="?", action=Refuse, help=argparse.SUPPRESS)
    return vars(parser.parse_args(argv))


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status: 0, 1 for a failed run, 2 for wrong arguments, 128 + n after signal n."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("lyceum").setLevel(logging.INFO)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ± shows a question mark
    try:
        from lyceum.training.request import composed, started_with

        given = arguments(argv)
        if "resume" in given:
            given = started_with(given) | given
        train(**composed(given))
    except UserError as error:
        print(f"train_mps.py: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt as stop:
        print(f"train_mps.py: {stop or 'interrupted at once, without saving.'}", file=sys.stderr)
        return getattr(stop, "exit_status", 130)
    return 0


if __name__ == "__main__":
    sys.exit(main())
