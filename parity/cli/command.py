"""The record of a command of `python -m parity`, and what the options of several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lyceum.contract import UsageError

DTYPES = ("float64", "float32", "bfloat16", "float16")


class Parser(argparse.ArgumentParser):
    """Reports a mistake as one sentence, not as a page of usage."""

    def error(self, message: str) -> None:
        raise UsageError(f"{message} (see {self.prog} --help).")


@dataclass(frozen=True)
class Command:
    """name: on the command line. question: what it answers. how: what it does. examples: arguments, name included.

    add_options: adds its options to a parser. run: options -> exit status, 0 if nothing failed, else 1.
    """

    name: str
    question: str
    how: str
    examples: tuple[str, ...]
    add_options: Callable[[Parser], None]
    run: Callable[[argparse.Namespace], int]


def positive(text: str) -> int:
    """A count of at least one, for argparse."""
    if not text.isdecimal() or (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count of at least 1")
    return value


def output(text: str) -> str:
    """The path of a file to write, for argparse: refused now, not after an hour's work, if it cannot be written."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"cannot write {text}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"cannot write {text}: permission denied")
    return text


def add_files(parser: Parser, junit: bool = True) -> None:
    """Add the options that write records to files."""
    parser.add_argument("--json", type=output, metavar="FILE", help="write one JSON record a line to FILE as well")
    if junit:
        parser.add_argument("--junit", type=output, metavar="FILE", help="write JUnit XML for CI to FILE as well")
