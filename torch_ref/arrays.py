"""An implementation as functions of NumPy arrays, for what is computed outside of training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from torch_ref.registry import build


def functions(spec, device: str = "cpu") -> Callable[..., np.ndarray]:
    """(method, *arrays) -> array: this backend's implementation of a reference without parameters, in float32."""
    module = build(spec).to(device)

    @torch.no_grad()
    def call(method: str, *arrays: np.ndarray) -> np.ndarray:
        return getattr(module, method)(*(torch.from_numpy(x).to(device) for x in arrays)).cpu().numpy()

    return call
