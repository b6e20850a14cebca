"""Inputs and outputs as trees: tuples, lists and dictionaries of arrays, whose leaves have names.

    (x, (mask, None), {"k": k})   has the leaves   "input 0", "input 1.0", "input 2.k"

An array alone is the leaf "output"; of a tuple they are "output 0", "output 1", ... Whatever has no shape (None, a
number, a word) is no leaf and goes through unchanged. The arrays may be of any framework.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any


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
    return type(tree)(new.values()) if isinstance(tree, list | tuple) else tree


def _children(tree: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, dict):
        yield from tree.items()
    elif isinstance(tree, list | tuple):
        yield from enumerate(tree)


def _below(name: str, key: Any) -> str:
    return f"{name}.{key}" if " " in name else f"{name} {key}"


def from_torch(x: Any, name: str) -> bool:
    """Whether x is of the class `torch.<name>`. PyTorch is not imported for it: else nothing of it is there."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, reduce(getattr, name.split("."), torch))
