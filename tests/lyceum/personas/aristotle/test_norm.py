"""The golden mean: invalid exponents, no overflow, values by hand."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

from lyceum.personas import PersonaError
from lyceum.personas.aristotle.norm import GatedMesotes, mesotes
from mlx_impl.aristotle.norm import mesotes as mlx_mesotes
from torch_ref.aristotle.norm import mesotes as torch_mesotes

POWERS = (1.0, 1.5, 3.0, 4.0, 7.0)


@pytest.mark.parametrize("power", (0.5, 2, float("nan")))
def test_an_invalid_exponent_is_refused(power):
    with pytest.raises(PersonaError, match="choose 1 or more, and not 2"):
        GatedMesotes(8, 12, power)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("dtype", ("float32", "float16", "bfloat16"))
def test_nothing_overflows(power, dtype):
    """From the smallest to the greatest number, slopes are finite in both backends, and values end at 1 to rounding."""
    top, eps = torch.finfo(getattr(torch, dtype)).max, torch.finfo(getattr(torch, dtype)).eps
    sizes = np.array([0.0, 1e-30, 1e-3, 1.0, 7.0, 1e3, top / 2, top])
    u = torch.tensor(sizes, dtype=getattr(torch, dtype), requires_grad=True)
    y = torch_mesotes(u, power)
    (slope,) = torch.autograd.grad(y.sum(), u)
    assert (abs(1 - y[-2:].double()) <= 4 * eps).all() and torch.isfinite(slope).all() and (slope >= -eps).all()
    v = mx.array(sizes).astype(getattr(mx, dtype))
    y, slope = mlx_mesotes(v, power), mx.grad(lambda v: mlx_mesotes(v, power).sum())(v)
    assert max(abs(1 - end) for end in y[-2:].tolist()) <= 4 * eps and mx.isfinite(slope).all().item()


@pytest.mark.parametrize("power", POWERS)
def test_by_hand(power):
    """f(1) = 2^(-1/p), and a float64 slope of 1 at 0."""
    assert mesotes(np.array(1.0), power) == pytest.approx(0.5 ** (1 / power), rel=1e-15)
    assert mesotes(np.array(1e-20), power) == pytest.approx(1e-20, rel=1e-15)
