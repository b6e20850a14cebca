"""localize: where two models first diverge; names: how their parameters may correspond."""

from __future__ import annotations

from argparse import Namespace

from parity.cli.command import DTYPES, Command, Parser, add_files
from parity.results.console import console


def localize(options: Namespace) -> int:
    """Where two modules first diverge."""
    from parity.localize import localize as localization_of
    from parity.localize.targets import targets_from
    from parity.results.saving import save

    target = targets_from(options.first, options.second, options.input or (), options.names)
    out = console()
    with out.status("comparing every submodule ..."):
        localization = localization_of(**vars(target), dtypes=tuple(options.dtype or ("float64", "float32")))
    diverged = localization.first_divergence is not None
    out.print(localization.table())
    out.print(localization.sentence(), style="red" if diverged else "", markup=False, soft_wrap=True)
    save(options, localization.records())
    return 1 if diverged else 0


def names(options: Namespace) -> int:
    """How the parameters of two modules may correspond."""
    import torch

    from parity.localize.references import load_model
    from parity.mapping.modules import propose_names

    mlx_model, torch_model = sorted(
        map(load_model, (options.first, options.second)), key=lambda model: isinstance(model, torch.nn.Module)
    )
    proposal = propose_names(mlx_model, torch_model)
    print(proposal)
    return 1 if proposal.left or proposal.unused else 0


def add_references(parser: Parser) -> None:
    """The two modules."""
    parser.add_argument("first", metavar="A", help="package.module:NAME, file.py:NAME, or mlx:PERSONA")
    parser.add_argument("second", metavar="B", help="the other framework's: the same, or torch:PERSONA")


def add_options(parser: Parser) -> None:
    """Options of `localize`."""
    add_references(parser)
    shape = "an input, may be repeated: a shape such as 2,16,64, or integers below a limit, ids:2,16<97"
    parser.add_argument("--input", action="append", metavar="SHAPE", help=shape)
    names = "how the parameters correspond: file.py:NAME of a dict or list"
    parser.add_argument("--names", metavar="REF", help=names)
    dtype = "a precision to compare with the float64 oracle, may be repeated (float64 and float32)"
    parser.add_argument("--dtype", action="append", choices=DTYPES, help=dtype)
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
NAMES = Command(
    "names",
    "How may the parameters of an MLX and a PyTorch module correspond?",
    "Proposes names from shapes, paths and values, ready to paste; exit status 1 if a parameter is left over.",
    ("names my_port.py:mlx_block my_port.py:torch_block",),
    add_references,
    names,
)
