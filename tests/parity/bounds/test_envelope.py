"""Controls one unit in the last digit away: how far they start, and what they allow."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from parity.bounds.envelope import Controls, allowed_distance, decided, narrow, one_ulp, worst_step
from parity.bounds.rounding import MARGIN
from parity.results.verdict import compare

RNG = np.random.default_rng(0)
VALUES = torch.tensor(RNG.normal(size=(50, 2)))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_every_number_moves_by_one_ulp_up_or_down(dtype):
    start = VALUES.to(getattr(torch, dtype)).double().numpy()
    moved = one_ulp(start, dtype, np.random.default_rng(1))
    steps = np.abs(moved - start) / np.abs(start) / torch.finfo(getattr(torch, dtype)).eps
    assert moved.dtype == np.float64 and (steps > 0.4).all() and (steps <= 1).all()
    assert {True, False} == set((moved > start).ravel())
    assert one_ulp(np.array(1.0), dtype, RNG).shape == ()


def test_the_envelope_never_narrows():
    losses = np.array([3.0, 2.0, 1.0])
    controls = [losses + [0.0, 1e-3, 0.0], losses + [1e-4, 0.0, 0.0]]
    assert np.allclose(allowed_distance(losses, controls, 1e-5), MARGIN * np.array([1.1e-4, 1.01e-3, 1.01e-3]))


def test_the_worst_step_is_named():
    expected, allowed = np.array([3.0, 2.0, -1.0]), np.array([1e-3, 1e-3, 1e-2])
    verdict = worst_step("case", "mlx", expected + [0.0, 2e-3, 1e-2], expected, allowed, controls=6)
    assert not verdict.ok and verdict.derivation.startswith("step 1:") and "6 one-ulp controls" in verdict.derivation
    assert not worst_step("case", "mlx", expected + [0.0, np.nan, 0.0], expected, allowed).ok
    assert not narrow("case", "float64", np.array([0.0, -2.0]), np.array([1e-9, 1e-9])).ok
    assert narrow("case", "float64", np.array([0.0, -2.0]), np.array([1e-12, 1e-12])).ok


def test_controls_measure_a_response():
    def compute(k):
        eps = 0.0 if k is None else (k + 1) * 2.0**-11
        return {"x": np.array([1.0, np.inf]) + eps, "exact": np.ones(20)}

    controls = Controls(compute, "float16")
    assert controls.enough == 8  # 16 draws of an array of two
    assert controls.of(1) == {"x": 2.0**-24, "exact": 0.0}  # scaled to u = 2^-24
    assert controls.of(3) == {"x": 3 * 2.0**-24, "exact": 0.0}
    assert controls.drawn == 3


def test_a_bound_that_excuses_everything_decides_nothing():
    def verdict(error: float, bound: float):
        return compare("case", "mlx", "output", np.array(1 + error), np.array(1.0), bound, "")

    assert decided(verdict(0.5, 2.0), 1.0, "it is no larger").limitation.startswith("not decided: an error of 2 is")
    assert not decided(verdict(0.5, 0.9), 1.0, "").limitation
    assert not decided(verdict(3.0, 2.0), 1.0, "").ok
    assert not decided(verdict(0.0, 0.0), 0.0, "").limitation
