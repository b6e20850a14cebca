"""Parameters that are computed of PyTorch's: values, the chain rule to second order, and what does not fit."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

import parity
from parity.mapping.computed import values
from parity.mapping.names import match
from tests.support.computed_pairs import (
    FIRST,
    LSTM,
    MlxConvolution,
    MlxLstm,
    TorchConvolution,
    first,
    plain_convolution,
    torch_lstm,
)

G, V = (f"conv.parametrizations.weight.original{i}" for i in range(2))
CONVOLUTION = {"conv.weight": parity.permuted(parity.weight_normed(G, V), (0, 2, 1))}


def test_an_lstm_has_the_sum_of_two_biases():
    result = parity.check(MlxLstm(3, 4), torch_lstm(), (2, 3, 3), names=LSTM, torch_call=first, **FIRST).or_raise()
    assert result.names[-1] == "bias = summed(bias_ih_l0, bias_hh_l0)"
    assert {"bias_ih_l0", "bias_hh_l0"} <= {verdict.what for verdict in result if verdict.variant == "mlx float64"}


def test_a_folded_norm_to_second_order():
    """Its curvature is part of the second derivative, and the map is not linear."""
    result = parity.check(MlxConvolution(), plain_convolution(), (2, 5, 3), names=CONVOLUTION).or_raise()
    mlx = {verdict.what for verdict in result if verdict.variant == "mlx float32"}
    assert {G, V, f"second order, {G}", f"second order, {V}", "looped, output"} <= mlx


def test_the_weight_norm_of_pytorch():
    parity.check(MlxConvolution(), TorchConvolution(), (2, 5, 3), names=CONVOLUTION, probes=("gradient",)).or_raise()


def test_layouts_and_computations_nest_in_either_order():
    g = np.random.default_rng(0)
    arrays = {"g": g.normal(size=(4, 1, 1)), "v": g.normal(size=(4, 3, 2))}
    outside = parity.permuted(parity.weight_normed("g", "v"), (0, 2, 1))
    inside = parity.weight_normed(parity.permuted("g", (0, 2, 1)), parity.permuted("v", (0, 2, 1)))
    wanted = torch._weight_norm(torch.tensor(arrays["v"]), torch.tensor(arrays["g"]), 0).numpy().transpose(0, 2, 1)
    for target in (outside, inside):
        assert np.abs(values(target, arrays) - wanted).max() < 1e-14
    over_all = values(parity.weight_normed("g", "v", axis=None), {"g": np.float64(2), "v": arrays["v"]})
    assert np.abs(over_all - 2 * arrays["v"] / np.linalg.norm(arrays["v"])).max() < 1e-14


def test_a_bias_that_is_dropped_is_noticed():
    dropped = [*LSTM[:2], ("bias", "bias_ih_l0")]
    with pytest.raises(parity.UsageError, match="PyTorch's bias_hh_l0 .16,. is used by no parameter of MLX"):
        parity.check(MlxLstm(3, 4), torch_lstm(), (2, 3, 3), names=dropped, torch_call=first)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (parity.summed("a", "c"), "MLX's m = summed(a, c), but PyTorch has no c"),
        (parity.summed("a", "w"), "MLX's m = summed(a, w) cannot be formed from a (3,), w (2, 2)"),
        (parity.summed("w", "w"), "MLX's m = summed(w, w) has the shape (2, 2), not (3,)"),
        (parity.computed("a", function=lambda a: mx.stop_gradient(a), words="f"), "PyTorch's a (3,) is used only in"),
    ],
)
def test_what_does_not_fit_is_a_sentence(target, sentence):
    with pytest.raises(parity.UsageError) as raised:
        match({"m": (3,)}, {"a": (3,)}, {"m": target}, {"w": (2, 2)})
    assert sentence in str(raised.value)
