"""Every operation that adds up many terms is known for a sum, and what rounds inside is taken apart."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from parity.bounds.rounding import MARGIN, UNIT, deviations


def along_rows(x: torch.Tensor, add) -> torch.Tensor:
    """The gradient by a table of four rows that is read at every one of the ids 0, 1, 2, 3, 0, 1, ..."""
    table = x[:4].clone().requires_grad_()
    return torch.autograd.grad(add(table, torch.arange(len(x)) % 4), table, x)[0]


# Sums that are not called sums, each of (n, 8) numbers.
SUMMED = {
    "embedding, gradient": lambda x: along_rows(x, lambda table, ids: F.embedding(ids, table)),
    "index, gradient": lambda x: along_rows(x, lambda table, ids: table[ids]),
    "index_add": lambda x: x.new_zeros(4, 8).index_add(0, torch.arange(len(x)) % 4, x),
    "scatter_add": lambda x: x.new_zeros(4, 8).scatter_add(0, (torch.arange(len(x)) % 4)[:, None].expand_as(x), x),
    "cumsum": lambda x: x.cumsum(0),
    "matrix times vector": lambda x: x.T @ x[:, 0],
    "dot": lambda x: x[:, 0] @ x[:, 1],
    "baddbmm": lambda x: torch.baddbmm(x.new_zeros(1, 8, 8), x.T[None], x[None]),
    "convolution": lambda x: F.conv1d(x.T[None], x.T[None, :, :16]),
    "mean": lambda x: x.mean(0),
    "variance": lambda x: x.var(0),
    "batch norm": lambda x: F.batch_norm(x, None, None, training=True),
    "mean square error": lambda x: F.mse_loss(x, 0.5 * x),
}


def normal(n: int, mean: float) -> torch.Tensor:
    """(n, 8) numbers that are exact in float32, as float64."""
    return (torch.randn(n, 8, generator=torch.Generator().manual_seed(0)) + mean).double()


def worst(x: torch.Tensor) -> float:
    return x.abs().max().item()


@pytest.mark.parametrize("mean", (0, 2))
@pytest.mark.parametrize("n", (16, 4096))
@pytest.mark.parametrize("name", SUMMED)
def test_every_sum_is_known_for_one(name, n, mean):
    """Taken for one rounding, a sum of n would get a bound sqrt(n) too tight."""
    x = normal(n, mean).float()
    error = worst(SUMMED[name](x).double() - SUMMED[name](x.double()))
    assert error <= MARGIN * deviations(lambda: {"y": SUMMED[name](x.double())})["y"]


def test_terms_that_cancel_are_known_whatever_adds_them():
    """x + w (-x - x) with w = 1/2 is all rounding."""
    x = normal(16, 0)
    for formula in (torch.lerp, lambda x, y, w: torch.addcmul(x, y - x, torch.full_like(x, w))):
        assert deviations(lambda formula=formula: {"y": formula(x, -x, 0.5)})["y"] > 0.1 * UNIT["float32"]


def test_counting_rounds_nothing():
    """Sums of integers, a mask's for instance, are exact, and masks may be counted."""
    x = normal(16, 0)
    assert deviations(lambda: {"y": (x > 0).sum(-1)}) == {"y": 0.0}
