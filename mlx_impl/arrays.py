"""An implementation as functions of NumPy arrays, for what is computed outside of training."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import numpy as np

from mlx_impl.model import load_parameters
from mlx_impl.registry import build


def functions(spec, device: str = "cpu", parameters: dict[str, np.ndarray] | None = None) -> Callable[..., np.ndarray]:
    """(method, *arrays or tuples of them) -> array: this backend's implementation of a reference, in float32.

    parameters: by name, as `load_parameters` takes them; None for a reference that has none.
    """
    module = build(spec)
    load_parameters(module, parameters or {})

    def given(x: np.ndarray | tuple) -> mx.array | tuple:
        return tuple(map(given, x)) if isinstance(x, tuple) else mx.array(x)

    def call(method: str, *arrays: np.ndarray | tuple) -> np.ndarray:
        with mx.stream(mx.cpu if device == "cpu" else mx.gpu):
            return np.array(getattr(module, method)(*map(given, arrays)))

    return call
