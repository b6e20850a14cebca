"""The point at which a user's pair is compared: its inputs, however they are described, and its parameters.

A user describes inputs by a shape (normal numbers), an array of NumPy, MLX or PyTorch, `integers(shape, below)`, a tree
of these, a function of a NumPy generator that returns the arguments, or a hypothesis strategy for them
(`parity.compare.check`).

Fresh layers have special values: biases of zeros, gains of ones. There a forgotten bias, or a gain applied twice,
makes no difference. So a parameter whose entries are all equal gets normal noise of deviation 0.2 (a matrix,
0.2 / sqrt(fan in), so that what it multiplies keeps its size); others are taken as they are. Floating buffers that both
sides hold, running statistics say, are treated alike, except that a positive one stays positive, as a variance must:
exp of the noise is its factor. A buffer that PyTorch's side alone holds is a constant, which MLX's has in its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from lyceum.contract import UsageError
from lyceum.personas.spec.case import representable
from parity.sides.mlx_side import as_float64
from parity.sides.test_point import Arrays
from parity.sides.trees import from_torch

NOISE = 0.2


@dataclass(frozen=True)
class integers:  # noqa: N801 - reads like the generator's method of this name
    """An input of integers from 0 to below - 1: token ids, say."""

    size: tuple[int, ...]
    below: int


def arguments(inputs: Any, generator: np.random.Generator) -> tuple:
    """The arguments as trees of arrays, floating ones float64 holding float32 values. Raises UsageError."""
    if isinstance(inputs, list) and inputs and all(isinstance(n, int) for n in inputs):
        raise UsageError(
            f"inputs is the list {inputs}: a shape is a tuple, {tuple(inputs)}; a list holds one for each input."
        )
    if callable(inputs):
        inputs = inputs(generator)
        return tuple(_drawn(x, generator, drawn=True) for x in (inputs if isinstance(inputs, tuple) else (inputs,)))
    if _is_shape(inputs) or not isinstance(inputs, tuple | list):
        inputs = (inputs,)
    return tuple(_drawn(x, generator, drawn=False) for x in inputs)


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and bool(x) and all(isinstance(n, int) and not isinstance(n, bool) for n in x)


def _drawn(x: Any, generator: np.random.Generator, drawn: bool) -> Any:
    if isinstance(x, integers):
        return generator.integers(0, x.below, x.size)
    if from_torch(x, "Tensor"):
        x = x.detach().cpu().double().numpy() if x.is_floating_point() else x.detach().cpu().numpy()
    if isinstance(x, mx.array):
        x = as_float64(x) if mx.issubdtype(x.dtype, mx.floating) else np.array(x)
    if _is_shape(x) and not drawn:
        return representable(generator.normal(size=x))
    if isinstance(x, np.ndarray | np.generic):
        if x.dtype.kind not in "fiub":
            raise UsageError(f"an input has dtype {x.dtype}: give floating numbers, integers or booleans.")
        return representable(x) if x.dtype.kind == "f" else np.asarray(x)
    if isinstance(x, dict):
        return {key: _drawn(value, generator, drawn) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(_drawn(value, generator, drawn) for value in x)
    if x is None or isinstance(x, str | int | float):
        return x
    raise UsageError(
        f"an input is {type(x).__name__} {str(x)[:40]!r}: describe inputs by shapes, arrays, parity.integers(shape, "
        "below) and trees of these, by a function of a generator, or by a hypothesis strategy."
    )


def general(parameters: Arrays, generator: np.random.Generator) -> Arrays:
    """A module's parameters without special values, see the module; float64 holding float32 values."""
    return {name: representable(_moved(value, generator)) for name, value in parameters.items()}


def general_buffers(buffers: Arrays, generator: np.random.Generator) -> Arrays:
    """The same for buffers; only those that had to be moved."""
    special = {name: x for name, x in buffers.items() if x.size and np.isfinite(x).all() and np.ptp(x) == 0}
    return {
        name: representable(x * np.exp(NOISE * generator.normal(size=x.shape)) if x.min() > 0 else _moved(x, generator))
        for name, x in special.items()
    }


def _moved(value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    if value.size == 0 or np.ptp(value) > 0:
        return value
    return value + NOISE / np.sqrt(value.shape[-1] if value.ndim > 1 else 1) * generator.normal(size=value.shape)
