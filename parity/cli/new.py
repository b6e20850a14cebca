"""new: a new system, written from templates, that passes every check from the start."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import parity
from parity.cli.command import Command, Parser


def new(options: Namespace) -> int:
    """Write a system into this checkout, and say what to do next."""
    from parity.scaffold.create import create
    from parity.scaffold.system import NewSystem

    root = Path(parity.__file__).parents[1]
    system = NewSystem(options.persona, options.name, options.module, options.title)
    for path in create(root, system):
        print(path.relative_to(root))
    print(f"Next: python -m parity check {options.name}; then replace the mathematics (CONTRIBUTING.md).")
    return 0


def add_options(parser: Parser) -> None:
    """Options of `new`."""
    parser.add_argument("persona", metavar="PERSONA", help="whose system it is: aristotle or euclid")
    parser.add_argument("name", metavar="NAME", help="its switch and the name of its files, such as scale")
    parser.add_argument("--module", default="norm", help="what it takes in the model: norm (default), mlp or mixer")
    parser.add_argument("--title", default="", help='its label in listings, such as "A24, the scale"')


NEW = Command(
    "new",
    "How do I add a system?",
    "Writes reference, both implementations, cases, a theorem, a planted fault and a test, and registers the system.",
    ('new aristotle scale --module norm --title "A24, the scale"',),
    add_options,
    new,
)
