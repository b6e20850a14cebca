"""The chord: no overflow in any precision, and values by hand."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

from lyceum.personas.euclid.norm import chord
from mlx_impl.euclid.norm import chord as mlx_chord
from torch_ref.euclid.norm import chord as torch_chord


@pytest.mark.parametrize("dtype", ("float32", "float16", "bfloat16"))
def test_nothing_overflows(dtype):
    """From the smallest to the greatest number, slopes are finite in both backends, and values end at 1 to rounding."""
    top, eps = torch.finfo(getattr(torch, dtype)).max, torch.finfo(getattr(torch, dtype)).eps
    sizes = np.array([0.0, 1e-30, 1e-3, 1.0, 7.0, 1e3, min(1e30, top / 4), top])
    expected = chord(sizes)
    u = torch.tensor(sizes, dtype=getattr(torch, dtype), requires_grad=True)
    y = torch_chord(u)
    (slope,) = torch.autograd.grad(y.sum(), u)
    assert np.abs(y.detach().double().numpy() - expected).max() <= 2 * eps
    assert torch.isfinite(slope).all() and (slope >= 0).all() and slope[0] == 1
    v = mx.array(sizes).astype(getattr(mx, dtype))
    y, slope = mlx_chord(v), mx.grad(lambda v: mlx_chord(v).sum())(v)
    assert np.abs(np.array(y.astype(mx.float32)) - expected).max() <= 2 * eps
    assert mx.isfinite(slope).all().item() and slope.min().item() >= 0 and slope[0].item() == 1


def test_by_hand():
    """The triangles 3, 4, 5 and 5, 12, 13, and the half of a square."""
    assert chord(np.array([3 / 4, 12 / 5, 1.0])) == pytest.approx([3 / 5, 12 / 13, 0.5**0.5], rel=1e-15)
