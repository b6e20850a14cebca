"""Recording: every call of every submodule of a model, in the order in which the calls end.

To find where two implementations part, both are run once and every step of theirs is written down:

    Call(path, method, n, arguments, output)        the n-th call of `method` of the submodule at `path`

Hooks would not do: PyTorch's see `forward` alone, MLX has none, and a vocabulary that embeds with one method and scores
with another would go unseen. Instead, every submodule is given, for as long as it is watched, a subclass of its own
class in which the public methods write down what they are asked and what they answer:

    m.__class__ = type(name, (type(m),), {method: recorded method})

The classes are put back at the end, whatever happens. Two properties of the record matter. Children end before their
parents, so that the first disagreement in it lies as deep as it can. And all arrays are copied to NumPy when they pass,
floating ones to float64: what a method changes in place afterwards changes no record.

A submodule that stands in several places is recorded under the path that sorts first, which is the same in both
frameworks if the names are. What PyTorch calls `forward` is called `__call__` here, the root's path is "".
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from itertools import count
from types import FunctionType
from typing import Any

import mlx.core as mx
import mlx.nn
import numpy as np
import torch

from parity.compare.trees import leaves, mapped
from parity.project.layers import as_float64

FRAMEWORK = {torch.nn.Module: "forward", mlx.nn.Module: "__call__"}  # the base class: what calling a module calls
Module = torch.nn.Module | mlx.nn.Module


@dataclass(frozen=True)
class Call:
    """arguments: (positional, by keyword), before the call. output: after it. Trees whose arrays are NumPy's."""

    path: str
    method: str
    n: int
    arguments: tuple[tuple, dict]
    output: Any

    @property
    def place(self) -> str:
        """Where a reader would look: "blocks.0.mixer", "vocabulary.embed"."""
        own = () if self.method == "__call__" else (self.method,)
        return ".".join((*((self.path,) if self.path else ()), *own)) or "the whole"

    def __str__(self) -> str:
        """The same with the number of the call, from the second on: "blocks.0.mixer.heads #1"."""
        return f"{self.place} #{self.n}" if self.n else self.place


ROOT = Call("", "__call__", 0, ((), {}), None)  # the model as it is used, whatever was recorded of it


def submodules(module: Module) -> dict[str, Module]:
    """Every submodule, the module itself included, by its path; each once, see above."""
    places = (
        module.named_modules(remove_duplicate=False) if isinstance(module, torch.nn.Module) else module.named_modules()
    )
    first: dict[int, tuple[str, Module]] = {}
    for path, part in sorted(places, key=lambda place: place[0]):
        first.setdefault(id(part), (path, part))
    return dict(first.values())


def public(module: Module) -> dict[str, FunctionType]:
    """The methods that a module's own classes define and a caller may call, by name."""
    base = next(base for base in FRAMEWORK if isinstance(module, base))
    classes = type(module).__mro__
    own = (vars(owner) for owner in reversed(classes[: classes.index(base)]))
    return {
        name: function
        for attributes in own
        for name, function in attributes.items()
        if isinstance(function, FunctionType) and (not name.startswith("_") or name == FRAMEWORK[base])
    }


@contextmanager
def recording(module: Module) -> Iterator[list[Call]]:
    """Every call inside the context, in the order in which the calls end. The module is left as it was."""
    found: list[Call] = []
    watched = submodules(module)
    original = {path: type(part) for path, part in watched.items()}
    try:
        for path, part in watched.items():
            methods = {name: _recorded(name, function, path, found) for name, function in public(part).items()}
            _become(part, type(original[path].__name__, (original[path],), methods))
        yield found
    finally:
        for path, part in watched.items():
            _become(part, original[path])


def _become(module: Module, kind: type) -> None:
    # Past the frameworks' own __setattr__, which have opinions about attributes.
    object.__setattr__(module, "__class__", kind)


def _recorded(name: str, function: Callable, path: str, found: list[Call]) -> Callable:
    name, numbers = "__call__" if name == "forward" else name, count()

    @wraps(function)
    def method(self, *args, **named):
        n = next(numbers)
        arguments = _before(as_numpy((args, named)))
        output = function(self, *args, **named)
        if any(True for _ in leaves(output, "")):  # else it computes nothing: a list of layers that is extended
            found.append(Call(path, name, n, arguments, as_numpy(output)))
        return output

    return method


def _before(arguments: Any) -> Any:
    """The arguments as they are before the call: a cache will change. What has no copy, a dtype say, stays itself."""
    try:
        return copy.deepcopy(arguments)
    except TypeError:
        return arguments


def as_numpy(tree: Any) -> Any:
    """The tree with a NumPy copy of every array: floating as float64, all others as they are."""
    return mapped(tree, "", lambda _, leaf: _copied(leaf))


def _copied(leaf: Any) -> np.ndarray:
    if isinstance(leaf, torch.Tensor):
        leaf = leaf.detach().cpu()
        return (leaf.double() if leaf.is_floating_point() else leaf).numpy().copy()
    if isinstance(leaf, mx.array):
        return as_float64(leaf) if mx.issubdtype(leaf.dtype, mx.floating) else np.array(leaf)
    return np.array(leaf)
