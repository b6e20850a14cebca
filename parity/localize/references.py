"""References: the models and inputs of a comparison, as a command line names them.

package.module:NAME          a module, or a function without arguments (a class, say) that makes one
path/to/file.py:NAME         the same in a file
mlx:aristotle                the tiny model of a persona in one backend, see `parity.project.tiny_models`

2,16,64                      an input: normal float32 numbers of this shape
2,16<97                      integers from 0 to 96
ids:2,16<97                  the same; the word before the colon is for the reader
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
INPUT_HELP = "say --input 2,16,64, or --input 2,16<97 for integers below 97"


def load_model(reference: str) -> mlx.nn.Module | torch.nn.Module:
    """The module that a reference names, made if need be. Raises UsageError."""
    model, bases = load_object(reference), (mlx.nn.Module, torch.nn.Module)
    if not isinstance(model, bases) and callable(model):
        model = run_user_code(model, f"{reference}()")
    if not isinstance(model, bases):
        raise UsageError(f"{reference} gives {model!r}, which is neither an mlx.nn.Module nor a torch.nn.Module.")
    return model


def load_object(reference: str) -> Any:
    """The object that a reference names. Raises UsageError."""
    source, _, name = reference.rpartition(":")
    if not source or not name.isidentifier():
        raise UsageError(f"{reference!r} names nothing: say package.module:NAME or path/to/file.py:NAME.")
    module = import_source(source)
    if not hasattr(module, name):
        raise UsageError(f"{source} has no {name!r}{nearest(name, vars(module))}.")
    return getattr(module, name)


def import_source(source: str) -> ModuleType:
    """The Python module of this name, or in this file. Raises UsageError."""
    if not source.endswith(".py"):
        return run_user_code(partial(importlib.import_module, source), f"import {source}")
    if not Path(source).is_file():
        raise UsageError(f"there is no file {source}.")
    spec = importlib.util.spec_from_file_location(Path(source).stem, source)
    module = importlib.util.module_from_spec(spec)
    run_user_code(partial(spec.loader.exec_module, module), source)
    return module


def run_user_code(function: Callable[[], Any], words: str) -> Any:
    """function(). It is the user's and may raise anything; this becomes a UsageError that begins with `words`."""
    try:
        return function()
    except Exception as error:
        raise UsageError(f"{words} fails: {type(error).__name__}: {error}.") from error


def parse_input(text: str) -> tuple[int, ...] | integers:
    """The input that a text describes, for `parity.compare.inputs`. Raises UsageError."""
    match = INPUT.fullmatch(text)
    if match is None:
        raise UsageError(f"--input {text} is no input: {INPUT_HELP}.")
    shape = tuple(int(size) for size in match[1].split(","))
    return integers(shape, int(match[2])) if match[2] else shape
