"""The parameters and gradients that both optimizers are given, drawn so that faults show.

An optimizer's rule has regimes. Where |g| is far above eps the step of Adam is lr times a sign, and eps does not
matter; where |g| is near eps it decides; where g = 0 only decay and momentum act. So the gradients of the entries of a
tensor differ in size, evenly on a logarithmic scale from 10 down to 1e-7, and one entry's is always exactly 0; the
gradients of step t are these sizes times normal numbers, times 1 or 1/50 by turns, so that a clip acts at some steps
and not at others; and at the third step every gradient is exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lyceum.contract import UsageError
from lyceum.personas.spec.case import representable
from lyceum.rng import stream

Arrays = dict[str, np.ndarray]

LARGEST, SMALLEST, CALM = 10.0, 1e-7, 50
SKIPPED = 1  # the iteration at which the first parameter has no gradient, if asked for


@dataclass(frozen=True)
class OptimizerInputs:
    """Float32 numbers as float64 arrays, so that both precisions start from the same.

    parameters: by name. gradients: of each iteration, by name. absent: what MLX is given at iteration SKIPPED where
    PyTorch's first parameter has the gradient None, "zero" or "nothing"; None: that iteration is like the others.
    learning_rate: of iteration t (0-based), set in both; None: that of each optimizer. clip_norm: of all gradients
    together.
    """

    parameters: Arrays
    gradients: tuple[Arrays, ...]
    absent: str | None
    learning_rate: Callable[[int], float] | None
    clip_norm: float | None

    @property
    def marks(self) -> tuple[int, ...]:
        """After how many steps to compare: 1, 2 and all."""
        return tuple(sorted({1, min(2, len(self.gradients)), len(self.gradients)}))

    @property
    def first(self) -> str:
        return next(iter(self.parameters))

    def lacks(self, name: str, t: int) -> bool:
        """Whether PyTorch's gradient of `name` is None at iteration t."""
        return self.absent is not None and t == SKIPPED and name == self.first


def draw(shapes: Mapping[str, tuple[int, ...]], steps: int, seed: int) -> tuple[Arrays, tuple[Arrays, ...]]:
    """(parameters, gradients of each of `steps` iterations) of these shapes. Raises UsageError if there are none."""
    if not isinstance(steps, int) or steps < 1:
        raise UsageError(f"steps is {steps!r}: both optimizers take the same number of steps, at least 1.")
    if not isinstance(shapes, Mapping) or not shapes:
        raise UsageError(f"shapes is {shapes!r}: give at least one parameter's by name, such as {{'matrix': (6, 4)}}.")
    generator = stream(seed, "optimizer-inputs")
    parameters = {name: representable(generator.normal(size=shape)) for name, shape in shapes.items()}
    sizes = {name: size(value, generator) for name, value in parameters.items()}
    gradients = []
    for t in range(steps):
        calm = 0.0 if t == 2 else 1.0 if t % 2 else 1 / CALM
        gradients.append({name: representable(calm * s * generator.normal(size=s.shape)) for name, s in sizes.items()})
    return parameters, tuple(gradients)


def size(value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """How large the gradient of each entry is, see the module; of a single entry it is 1."""
    if value.size < 2:
        return np.ones_like(value)
    sizes = np.append(np.geomspace(LARGEST, SMALLEST, value.size - 1), 0.0)
    return generator.permutation(sizes).reshape(value.shape)
