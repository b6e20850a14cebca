"""An implementation as functions of NumPy arrays, for what is computed outside of training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from torch_ref.model import load_parameters
from torch_ref.registry import build


def functions(spec, device: str = "cpu", parameters: dict[str, np.ndarray] | None = None) -> Callable[..., np.ndarray]:
    """(method, *arrays or tuples of them) -> array: this backend's implementation of a reference, in float32.

    parameters: by name, as `load_parameters` takes them; None for a reference that has none.
    """
    module = build(spec)
    load_parameters(module, parameters or {})
    module.to(device)

    def given(x: np.ndarray | tuple) -> torch.Tensor | tuple:
        if isinstance(x, tuple):
            return tuple(map(given, x))
        return torch.from_numpy(x).to(device, torch.int64 if x.dtype.kind == "i" else None)

    @torch.no_grad()
    def call(method: str, *arrays: np.ndarray | tuple) -> np.ndarray:
        return getattr(module, method)(*map(given, arrays)).cpu().numpy()

    return call
