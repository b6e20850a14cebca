"""One point at which two implementations are compared: parameters, inputs, cotangents and directions.

A function f of leaves theta (the parameters and the floating inputs but masks) is probed at one point by

    value       f(theta)
    gradient    d/dtheta <f(theta), c>                      c a random cotangent
    jvp         d/dh f(theta + h v)  at h = 0               v a random direction
    second      d/dtheta <d/dtheta <f(theta), c>, v>        a product of the Hessian with v
    looped      f on each example of the batch by itself
    vmapped     the same through the framework's vmap

A sum (c = 1) would hide permuted outputs and vanish on softmaxes; a random c weighs every output differently, so that
with probability one a wrong entry of the Jacobian shows; so does a random v.

All numbers are float64 arrays that hold float32 values (or those of a lower precision, `rounded`), so that every
variant starts from the very same point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyceum.personas.spec.case import representable
from parity.bounds.units import rounded
from parity.sides.trees import leaves, mapped

LARGE = 1e4  # what masks add to a score, at least
Arrays = dict[str, np.ndarray]
Values = dict[tuple[str, str], np.ndarray]  # (probe, name of an output or a leaf) -> array


@dataclass(frozen=True)
class Point:
    """parameters: by PyTorch's names. inputs: the arguments, trees of NumPy arrays. cotangents: by output.

    directions: by leaf, for jvp and second. batched: whether axis 0 of every input and output runs over examples.
    """

    parameters: Arrays
    inputs: tuple
    cotangents: Arrays
    directions: Arrays
    batched: bool = False

    def leaves(self) -> Arrays:
        """Everything that is differentiated: parameters, and the floating inputs as "input ..."."""
        return floating(self.inputs) | self.parameters

    def at(self, moved: Mapping[str, np.ndarray]) -> Point:
        """The same with other values of the leaves."""
        parameters = {name: moved[name] for name in self.parameters}
        return replace(self, parameters=parameters, inputs=arranged(self.inputs, lambda n, x: moved.get(n, x)))

    def examples(self) -> list[Point]:
        """One point for each example of the batch."""
        count = next(x for _, x in enumerate_leaves(self.inputs)).shape[0]
        return [
            replace(self, inputs=arranged(self.inputs, lambda _, x, i=i: x[i : i + 1]), batched=False)
            for i in range(count)
        ]

    def rounded(self, dtype: str) -> Point:
        """The same with every number rounded to `dtype`."""

        def narrow(_: str, x: np.ndarray) -> np.ndarray:
            return rounded(x, dtype) if x.dtype.kind == "f" else x

        def all_of(arrays: Arrays) -> Arrays:
            return {name: narrow(name, x) for name, x in arrays.items()}

        inputs = arranged(self.inputs, narrow)
        return Point(all_of(self.parameters), inputs, all_of(self.cotangents), all_of(self.directions), self.batched)


def enumerate_leaves(inputs: tuple):
    """(name, array) of every leaf of the arguments."""
    for i, tree in enumerate(inputs):
        yield from leaves(tree, f"input {i}")


def arranged(inputs: tuple, change) -> tuple:
    """The arguments with change(name, array) for every leaf."""
    return tuple(mapped(tree, f"input {i}", change) for i, tree in enumerate(inputs))


def floating(inputs: tuple) -> Arrays:
    """The floating leaves of the arguments that are differentiated: all but masks."""
    return {name: x for name, x in enumerate_leaves(inputs) if x.dtype.kind == "f" and not is_mask(x)}


def is_mask(x: np.ndarray) -> bool:
    """Whether an array has two values, 0 and 1 or 0 and LARGE at least: what depends on it steps, it does not slope."""
    if len(np.unique(x.flat[:64])) > 2:  # asked at every evaluation, and sorting all of it takes long
        return False
    values = np.unique(x)
    return x.size > 2 and len(values) == 2 and 0 in values and (values[1] == 1 or abs(values.min()) >= LARGE)


def draw_point(
    parameters: Arrays, inputs: tuple, outputs: Mapping[str, Any], generator: np.random.Generator, batched: bool = True
) -> Point:
    """A point with random cotangents for the floating `outputs` and a random direction for every leaf.

    batched: whether to take axis 0 for an axis of examples, if everything has the same number of them, at least 2.
    """
    cotangents = {
        name: representable(generator.normal(size=np.shape(y))) for name, y in outputs.items() if y.dtype.kind == "f"
    }
    directions = {
        name: representable(generator.normal(size=x.shape)) for name, x in (floating(inputs) | parameters).items()
    }
    firsts = {np.shape(x)[:1] for x in (*(x for _, x in enumerate_leaves(inputs)), *outputs.values())}
    several = len(firsts) == 1 and all(first > (1,) for first in firsts)
    return Point(parameters, inputs, cotangents, directions, batched and several)
