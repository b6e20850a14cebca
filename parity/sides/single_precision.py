"""Where does an MLX computation in float64 have single precision only? Seen in the graph that MLX exports.

Powers of `arange(n).astype(float32)` do, and transforms that MLX has in single precision alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from math import prod

import mlx.core as mx

from parity.float64.functions import values_only

NARROW = (mx.float16, mx.bfloat16, mx.float32, mx.complex64)
SINGLE = (*NARROW, mx.float64)
# Right to single precision in float64. The exact mode does without them, unless they are reached by another name.
APPROXIMATE = ("Convolution", "Cos", "Erf", "Exp", "LogAddExp", "LogSumExp", "Sigmoid", "Sin", "Softmax")
MOVING = (
    "AsType",
    "Broadcast",
    "Concatenate",
    "ExpandDims",
    "Full",
    "Reshape",
    "Select",
    "Slice",
    "Squeeze",
    "Transpose",
)


def narrow_primitives(forward: Callable[..., list[mx.array]], given: Iterable[mx.array]) -> list[str]:
    """The primitives of forward(*given), of float64 arrays, that compute in less; none if it cannot be exported."""
    names: dict[str, None] = {}

    def note(part: dict) -> None:
        if part["type"] == "primitive" and part["name"] not in MOVING:
            narrow = SINGLE if part["name"] in APPROXIMATE else NARROW
            arrays = (*part["inputs"], *part["outputs"])
            if any(dtype in narrow and prod(shape) > 1 for _, shape, dtype in arrays):
                names[part["name"]] = None

    with values_only(), suppress(ValueError):  # of what cannot be exported
        mx.export_function(note, forward, *given)
    return list(names)


def is_table(x: mx.array) -> bool:
    """Whether an array in float32 or less holds numbers that are no integers."""
    return x.dtype in NARROW[:-1] and not mx.array_equal(x, mx.round(x))
