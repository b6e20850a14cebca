"""An implementation as functions of NumPy arrays, for what is computed outside of training."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import numpy as np

from mlx_impl.registry import build


def functions(spec, device: str = "cpu") -> Callable[..., np.ndarray]:
    """(method, *arrays) -> array: this backend's implementation of a reference without parameters, in float32."""
    module = build(spec)

    def call(method: str, *arrays: np.ndarray) -> np.ndarray:
        with mx.stream(mx.cpu if device == "cpu" else mx.gpu):
            return np.array(getattr(module, method)(*(mx.array(x) for x in arrays)))

    return call
