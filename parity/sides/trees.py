"""Inputs and outputs as trees: tuples, lists, dictionaries and dataclasses of arrays, whose leaves have names.

    (x, (mask, None), {"k": k})   has the leaves   "input 0", "input 1.0", "input 2.k"

An array alone is the leaf "output"; of a tuple they are "output 0", "output 1", ... Whatever has no shape (None, a
number, a word) is no leaf and goes through unchanged. The arrays may be of any framework.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import reduce
from typing import Any

import numpy as np


def leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    """(name, array) of every leaf, in order."""
    if hasattr(tree, "shape"):
        yield name, tree
    for key, value in _children(tree):
        yield from leaves(value, _below(name, key))


def mapped(tree: Any, name: str, change: Callable[[str, Any], Any]) -> Any:
    """The same tree with change(name, array) for every leaf."""
    if hasattr(tree, "shape"):
        return change(name, tree)
    new = {key: mapped(value, _below(name, key), change) for key, value in _children(tree)}
    if isinstance(tree, dict):
        return new
    if hasattr(tree, "_fields"):  # a named tuple
        return type(tree)(*new.values())
    if is_dataclass(tree):
        return replace(tree, **new)
    return type(tree)(new.values()) if isinstance(tree, list | tuple) else tree


def dtype_name(dtype: Any) -> np.ndarray:
    """A dtype of any framework as a word: its name, or "integer", since each framework has other ones."""
    name = str(dtype).rpartition(".")[2]
    return np.array("integer" if "int" in name else name.rstrip("_"))


def real(x: Any) -> np.ndarray:
    """A NumPy array; a complex one as pairs of numbers along a new last axis."""
    x = np.asarray(x)
    return np.stack([x.real, x.imag], axis=-1) if x.dtype.kind == "c" else x


def from_torch(x: Any, name: str) -> bool:
    """Whether x is of the class `torch.<name>`. PyTorch is not imported for it: else nothing of it is there."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, reduce(getattr, name.split("."), torch))


def _children(tree: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, dict):
        yield from tree.items()
    elif isinstance(tree, list | tuple):
        yield from enumerate(tree)
    elif is_dataclass(tree) and not isinstance(tree, type):
        yield from ((field.name, getattr(tree, field.name)) for field in fields(tree))


def _below(name: str, key: Any) -> str:
    return f"{name}.{key}" if " " in name else f"{name} {key}"
