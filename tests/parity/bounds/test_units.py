"""Rounding to a precision without a framework is PyTorch's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from parity.bounds.units import UNIT, rounded

G = np.random.default_rng(0)
TIES = [1 + k * 2.0**-n for n in (8, 9, 11, 12) for k in (1, 2, 3)]
EDGES = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    3.4e38,
    65504.0,
    65519.0,
    65520.0,
    2.0**-24,
    2.0**-25,
    3 * 2.0**-26,
    2.0**-140,
]
NUMBERS = np.float32([*TIES, *EDGES, *(G.normal(size=2000) * 2.0 ** G.integers(-30, 30, 2000))]).astype(np.float64)


@pytest.mark.parametrize("dtype", UNIT)
def test_rounding(dtype):
    numbers = np.concatenate([NUMBERS, -NUMBERS])
    wanted = torch.from_numpy(numbers).to(getattr(torch, dtype)).double().numpy()
    np.testing.assert_array_equal(rounded(numbers, dtype), wanted)
    assert rounded(np.float64(1 / 3), dtype).shape == ()
