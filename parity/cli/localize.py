"""localize: where two models first diverge."""

from __future__ import annotations

from argparse import Namespace

from parity.cli.command import Command, Parser, add_files
from parity.results.console import console


def localize(options: Namespace) -> int:
    """Where two modules first diverge."""
    from parity.localize import localize as localization_of
    from parity.localize.targets import targets_from
    from parity.results.saving import save

    target = targets_from(options.first, options.second, options.input or (), options.names)
    out = console()
    with out.status("comparing every submodule ..."):
        localization = localization_of(**vars(target))
    diverged = localization.first_divergence is not None
    out.print(localization.table())
    out.print(localization.sentence(), style="red" if diverged else "", markup=False, soft_wrap=True)
    save(options, localization.records())
    return 1 if diverged else 0


def add_options(parser: Parser) -> None:
    """Options of `localize`."""
    parser.add_argument("first", metavar="A", help="package.module:NAME, file.py:NAME, or mlx:PERSONA")
    parser.add_argument("second", metavar="B", help="the other framework's: the same, or torch:PERSONA")
    shape = "an input, may be repeated: a shape such as 2,16,64, or integers below a limit, ids:2,16<97"
    parser.add_argument("--input", action="append", metavar="SHAPE", help=shape)
    names = "how the parameters correspond: file.py:NAME of a dict or list"
    parser.add_argument("--names", metavar="REF", help=names)
    add_files(parser)


LOCALIZE = Command(
    "localize",
    "Where do an MLX and a PyTorch module first diverge?",
    "Gives each submodule the other backend's inputs and names the first that differs: forward, backward, update.",
    (
        "localize mlx:aristotle torch:aristotle",
        "localize my_port.py:mlx_block my_port.py:torch_block --input 2,16,64",
    ),
    add_options,
    localize,
)
