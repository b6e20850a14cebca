"""References: the models and inputs of a comparison, as they are named on a command line.

package.module:NAME          a module, or a function without arguments (a class, say) that makes one
path/to/file.py:NAME         the same in a file
mlx:aristotle                the model of a persona in one backend, small, see `parity.project.tiny_models`

2,16,64                      an input: normal float32 numbers of this shape
2,16<97                      whole numbers from 0 to 96
ids:2,16<97                  the same; what stands before the colon is for the reader
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import mlx.nn
import torch

from lyceum.contract import UsageError
from parity.compare.inputs import integers
from parity.mapping.rules import nearest

INPUT = re.compile(r"(?:\w+:)?([1-9]\d*(?:,[1-9]\d*)*)(?:<([1-9]\d*))?")
SAY = "say --input 2,16,64, or --input 2,16<97 for whole numbers below 97"


def load(reference: str) -> mlx.nn.Module | torch.nn.Module:
    """The module that a reference names, made if need be. Raises UsageError."""
    found, kinds = located(reference), (mlx.nn.Module, torch.nn.Module)
    if not isinstance(found, kinds) and callable(found):
        found = foreign(found, f"{reference}()")
    if not isinstance(found, kinds):
        raise UsageError(f"{reference} gives {found!r}, which is neither an mlx.nn.Module nor a torch.nn.Module.")
    return found


def located(reference: str) -> Any:
    """The object that a reference names. Raises UsageError."""
    place, _, name = reference.rpartition(":")
    if not place or not name.isidentifier():
        raise UsageError(f"{reference!r} names nothing: say package.module:NAME or path/to/file.py:NAME.")
    home = imported(place)
    if not hasattr(home, name):
        raise UsageError(f"{place} has no {name!r}{nearest(name, vars(home))}.")
    return getattr(home, name)


def imported(place: str) -> ModuleType:
    """The Python module of this name, or in this file. Raises UsageError."""
    if not place.endswith(".py"):
        return foreign(partial(importlib.import_module, place), f"import {place}")
    if not Path(place).is_file():
        raise UsageError(f"there is no file {place}.")
    spec = importlib.util.spec_from_file_location(Path(place).stem, place)
    module = importlib.util.module_from_spec(spec)
    foreign(partial(spec.loader.exec_module, module), place)
    return module


def foreign(function: Callable[[], Any], words: str) -> Any:
    """function(), which is the user's and may raise anything; a UsageError then."""
    try:
        return function()
    except Exception as error:
        raise UsageError(f"{words} fails: {type(error).__name__}: {error}.") from error


def described(text: str) -> tuple[int, ...] | integers:
    """The input that a text describes, for `parity.compare.inputs`. Raises UsageError."""
    match = INPUT.fullmatch(text)
    if match is None:
        raise UsageError(f"--input {text} is no input: {SAY}.")
    shape = tuple(int(size) for size in match[1].split(","))
    return integers(shape, int(match[2])) if match[2] else shape
