"""Recording: every call of every submodule of a model, in the order in which the calls end.

To find where two implementations diverge, both run once and each of their calls is recorded:

    Call(path, method, n, arguments, output)        the n-th call of `method` of the submodule at `path`

Hooks do not suffice: PyTorch's see `forward` alone, MLX has none, and a vocabulary that embeds with one method and
scores with another would be missed. Instead, while it is recorded, every submodule has a subclass of its class, in
which the public methods record their arguments and outputs:

    m.__class__ = type(name, (type(m),), {method: recorded method})

The classes are put back at the end, whatever happens. Two properties of the record matter. Children end before their
parents, so the first call that differs is the deepest one. And all arrays are copied to NumPy, floating ones to
float64: what a method overwrites afterwards changes no record.

A submodule with several paths is recorded under the one that sorts first, which is the same in both frameworks if the
names are. PyTorch's `forward` is called `__call__` here; the root's path is "".
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
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

from parity.sides.mlx_side import as_float64
from parity.sides.trees import leaves, mapped

FRAMEWORK = {torch.nn.Module: "forward", mlx.nn.Module: "__call__"}  # the base class: what calling a module calls
Module = torch.nn.Module | mlx.nn.Module


Key = tuple[str, str, int]  # path, method and number of a call


@dataclass(frozen=True)
class Call:
    """arguments: (positional, by keyword), before the call. output: after it. Trees whose arrays are NumPy's.

    inside: the calls during which it was made, the outermost first.
    """

    path: str
    method: str
    n: int
    arguments: tuple[tuple, dict]
    output: Any
    inside: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """What identifies it among the calls of a run."""
        return self.path, self.method, self.n

    @property
    def name(self) -> str:
        """As a reader would look for it: "blocks.0.mixer", "vocabulary.embed"."""
        parts = [self.path] if self.path else []
        if self.method != "__call__":
            parts.append(self.method)
        return ".".join(parts) or "the model"

    def __str__(self) -> str:
        """The same with the number of the call, from the second on: "blocks.0.mixer.heads #1"."""
        return f"{self.name} #{self.n}" if self.n else self.name


ROOT = Call("", "__call__", 0, ((), {}), None)  # the model as it is used, whatever was recorded of it


def submodules(module: Module) -> dict[str, Module]:
    """Every submodule, the module itself included, by its path; each once, see the module's docstring."""
    everywhere = {"remove_duplicate": False} if isinstance(module, torch.nn.Module) else {}
    first: dict[int, tuple[str, Module]] = {}
    for path, submodule in sorted(module.named_modules(**everywhere), key=lambda pair: pair[0]):
        first.setdefault(id(submodule), (path, submodule))
    return dict(first.values())


def public_methods(module: Module) -> dict[str, FunctionType]:
    """The methods that a module's classes define and a caller may call, the frameworks' base classes aside, by name."""
    base = next(base for base in FRAMEWORK if isinstance(module, base))
    classes = type(module).__mro__
    attributes = (vars(owner) for owner in reversed(classes[: classes.index(base)]))
    return {
        name: function
        for by_name in attributes
        for name, function in by_name.items()
        if isinstance(function, FunctionType) and (not name.startswith("_") or name == FRAMEWORK[base])
    }


@contextmanager
def recording(module: Module) -> Iterator[list[Call]]:
    """Every call inside the context, in the order in which the calls end. The module is left as it was."""
    calls: list[Call] = []
    running: list[Key] = []
    methods = {
        path: {name: _recorded(name, f, path, calls, running) for name, f in public_methods(submodule).items()}
        for path, submodule in submodules(module).items()
    }
    with replaced(module, methods):
        yield calls


@contextmanager
def replaced(module: Module, methods: Mapping[str, dict[str, Callable]]) -> Iterator[None]:
    """Other methods inside the context: {path of a submodule: {name: method}}. The module is left as it was."""
    chosen = {path: submodule for path, submodule in submodules(module).items() if path in methods}
    classes = {path: type(submodule) for path, submodule in chosen.items()}
    try:
        for path, submodule in chosen.items():
            _set_class(submodule, type(classes[path].__name__, (classes[path],), dict(methods[path])))
        yield
    finally:
        for path, submodule in chosen.items():
            _set_class(submodule, classes[path])


def _set_class(module: Module, chosen: type) -> None:
    # Past the __setattr__ of the frameworks, which treat attributes in special ways.
    object.__setattr__(module, "__class__", chosen)


def _recorded(name: str, function: Callable, path: str, calls: list[Call], running: list[Key]) -> Callable:
    name, numbers = "__call__" if name == "forward" else name, count()

    @wraps(function)
    def method(self, *args, **named):
        key, inside = (path, name, next(numbers)), tuple(running)
        arguments = _copy(as_numpy((args, named)))
        running.append(key)
        try:
            output = function(self, *args, **named)
        finally:
            running.pop()
        if any(True for _ in leaves(output, "")):  # else it computes nothing: a list of layers that is extended
            calls.append(Call(*key, arguments, as_numpy(output), inside))
        return output

    return method


def _copy(arguments: Any) -> Any:
    """A copy of the arguments, as a cache will change. What cannot be copied, a dtype say, stays itself."""
    try:
        return copy.deepcopy(arguments)
    except TypeError:
        return arguments


def as_numpy(tree: Any) -> Any:
    """The tree with a NumPy copy of every array: floating as float64, all others as they are."""
    return mapped(tree, "", lambda _, leaf: _array_copy(leaf))


def _array_copy(leaf: Any) -> np.ndarray:
    if isinstance(leaf, torch.Tensor):
        leaf = leaf.detach().cpu()
        return (leaf.double() if leaf.is_floating_point() else leaf).numpy().copy()
    if isinstance(leaf, mx.array):
        return as_float64(leaf) if mx.issubdtype(leaf.dtype, mx.floating) else np.array(leaf)
    return np.array(leaf)
