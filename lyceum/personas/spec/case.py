"""What must be equal on both backends: parity cases and theorems, as records.

The module of a reference lists `CASES` and `THEOREMS`; the parity harness collects them by walking this package, so a
new system joins by adding a file. Nothing here depends on a framework: a case says what to compute, a theorem what must
be equal, and `evaluate`, which the harness passes, computes it with the reference, with MLX or with PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import numpy as np

# (reference, parameters by name, method's name, *input arrays) -> output array, or a tuple of them
Evaluate = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Case:
    """One computation on which reference and backends must agree, outputs and gradients.

    name: "<module>: <what is special>". spec: the reference. method: which of its methods. inputs: generator -> its
    arguments after the parameters; floating arrays are differentiated, integer arrays are not. noise: the parameters
    are the initial values plus normal noise of this deviation, so that none is in a special position. batched: whether
    axis 0, where everything has the same, runs over independent examples.
    """

    name: str
    spec: Any
    inputs: Callable[[np.random.Generator], tuple[np.ndarray, ...]]
    method: str = "__call__"
    noise: float = 0.2
    batched: bool = True

    def parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Parameters in general position, float64 holding float32 values, so that no precision rounds them."""
        initial = self.spec.initial(generator, 1)
        return {
            name: representable(value + self.noise * generator.normal(size=value.shape))
            for name, value in initial.items()
        }

    def arguments(self, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        """The inputs; floating ones hold float32 values in float64."""
        return tuple(representable(x) if x.dtype.kind == "f" else x for x in self.inputs(generator))


@dataclass(frozen=True)
class Theorem:
    """An equality that holds for every input.

    sides: (evaluate, generator) -> (left, right), arrays that are equal in exact arithmetic. length: the longest chain
    of rounded operations on the way to a side, for the bound sqrt(length) u |right|. exact: both sides do the same
    operations on the same numbers, so that they must agree bit for bit, in every precision.
    """

    name: str
    statement: str
    sides: Callable[[Evaluate, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    length: int
    exact: bool = False


def representable(x: np.ndarray) -> np.ndarray:
    """x rounded to float32, returned in float64."""
    return np.asarray(x, np.float32).astype(np.float64)


def collect(attribute: str) -> Iterator[Any]:
    """Every record that a module of `lyceum.personas` lists as `attribute`: "CASES", "THEOREMS" or "BENCHMARKS"."""
    yield from (record for _, record in collect_by_module(attribute))


def collect_by_module(attribute: str) -> Iterator[tuple[str, Any]]:
    """(name of its module, record) of every such record; a name is like "lyceum.personas.aristotle.rope"."""
    package = import_module("lyceum.personas")
    for module in sorted(walk_packages(package.__path__, "lyceum.personas."), key=lambda m: m.name):
        for record in getattr(import_module(module.name), attribute, ()):
            yield module.name, record
