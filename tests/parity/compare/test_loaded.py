"""Weights as loaded: what each module has, compared, and the port's conversion run as well."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn
import numpy as np
import pytest
import torch

import parity
from tests.support.computed_pairs import FIRST, LSTM, MlxLstm, first, torch_lstm

LOADED = dict(parameters="loaded", **FIRST)


class Mlx(mlx.nn.Module):
    """With a square matrix, which may be loaded transposed unnoticed."""

    def __init__(self):
        super().__init__()
        self.inner, self.norm = mlx.nn.Linear(4, 4), mlx.nn.RMSNorm(4)

    def __call__(self, x):
        return self.norm(mx.tanh(self.inner(x)))

    def sanitize(self, weights):
        return {name.removeprefix("model."): x for name, x in weights.items()}


class Forgetful(Mlx):
    def sanitize(self, weights):
        return {name: x.T if x.ndim == 2 else x for name, x in super().sanitize(weights).items()}


class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.model = torch.nn.ModuleDict({"inner": torch.nn.Linear(4, 4), "norm": torch.nn.RMSNorm(4, eps=1e-5)})

    def forward(self, x):
        return self.model["norm"](torch.tanh(self.model["inner"](x)))


def load(theirs: Torch, ours: Mlx, dtype: mx.Dtype = mx.float32) -> Mlx:
    """As `mlx_lm.load` does."""
    weights = {name: mx.array(x.detach().float().numpy()).astype(dtype) for name, x in theirs.state_dict().items()}
    ours.load_weights(list(ours.sanitize(weights).items()))
    return ours


def weights(result) -> dict[str, bool]:
    return {v.what.removeprefix("weight "): v.ok for v in result if v.variant == "mlx loaded"}


def test_both_with_the_weights_of_one_checkpoint():
    theirs = Torch()
    ours = load(theirs, Mlx())
    before = [np.array(x) for x in (ours.inner.weight, ours.norm.weight)]
    result = parity.check(ours, theirs, (3, 4), **LOADED).or_raise()
    assert weights(result) == {"inner.weight": True, "inner.bias": True, "norm.weight": True}
    assert all(v.bound == 0 for v in result if v.variant == "mlx loaded")
    assert result.names[0] == "inner.weight = model.inner.weight"
    assert all(np.array_equal(x, y) for x, y in zip(before, (ours.inner.weight, ours.norm.weight), strict=True))
    assert {v.expected for v in result if v.what == "weight norm.weight"} == {1.0}, "nothing is moved"


def test_a_wrong_transpose_in_sanitize_is_a_difference_of_functions():
    theirs = Torch()
    result = parity.check(load(theirs, Forgetful()), theirs, (3, 4), **LOADED)
    assert all(weights(result).values()), "MLX has what its sanitize makes"
    assert "output" in {v.what for v in result.failures} and result.names[0].endswith("transposed(model.inner.weight)")


def test_a_weight_that_was_not_loaded_is_named_and_used():
    theirs = Torch()
    ours = load(theirs, Mlx())
    ours.inner.bias = mx.zeros(4)
    result = parity.check(ours, theirs, (3, 4), **LOADED)
    assert weights(result) == {"inner.weight": True, "inner.bias": False, "norm.weight": True}
    assert "mlx loaded, weight inner.bias: at (" in result.failures[0].sentence()
    assert "output" in {v.what for v in result.failures}, "MLX runs with the bias that it has"
    assert parity.localize(ours, theirs, (3, 4), parameters="loaded").first_divergence.path == "inner"


@pytest.mark.parametrize(("mlx_dtype", "torch_dtype"), [("bfloat16", "float32"), ("float32", "bfloat16")])
def test_a_coarser_precision_on_one_side(mlx_dtype, torch_dtype):
    theirs = Torch()
    ours = load(theirs, Mlx(), getattr(mx, mlx_dtype))
    result = parity.check(ours, theirs.to(getattr(torch, torch_dtype)), (3, 4), **LOADED).or_raise()
    assert "in bfloat16" in next(iter(result)).derivation
    ours.inner.weight = ours.inner.weight * 1.02
    assert not weights(parity.check(ours, theirs, (3, 4), **LOADED))["inner.weight"]


def test_an_lstm_whose_second_bias_was_dropped():
    theirs = torch_lstm()
    ours = MlxLstm(3, 4)
    arrays = {name: mx.array(x.detach().numpy()) for name, x in theirs.named_parameters()}
    ours.Wx, ours.Wh = arrays["weight_ih_l0"], arrays["weight_hh_l0"]
    ours.bias = arrays["bias_ih_l0"] + arrays["bias_hh_l0"]
    options = dict(names=LSTM, torch_call=first, **LOADED)
    result = parity.check(ours, theirs, (2, 3, 3), **options).or_raise()
    assert 0 < next(v for v in result if v.what == "weight bias").bound < 1e-4
    ours.bias = arrays["bias_ih_l0"]
    result = parity.check(ours, theirs, (2, 3, 3), **options)
    assert not weights(result)["bias"] and "output" in {v.what for v in result.failures}


class TorchNormed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(4)

    def forward(self, x):
        return self.norm(x)


class MlxNormed(mlx.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = mlx.nn.BatchNorm(4)

    def __call__(self, x):
        return self.norm(x)


def test_buffers_are_moved_only_where_weights_are_drawn(monkeypatch):
    seen = []
    forward = TorchNormed.forward
    monkeypatch.setattr(TorchNormed, "forward", lambda self, x: seen.append(self.norm.running_mean) or forward(self, x))
    moved = {}
    running = {f"norm.running_{x}": "the port has none" for x in ("mean", "var")}
    for case, options in (("drawn", {}), ("loaded", {"parameters": "loaded"}), ("ignored", {"ignore": running})):
        seen.clear()
        parity.check(MlxNormed().eval(), TorchNormed().eval(), (3, 4), **options, **FIRST).or_raise()
        moved[case] = any((x != 0).any().item() for x in seen)
    assert moved == {"drawn": True, "loaded": False, "ignored": False}


def test_another_word():
    with pytest.raises(parity.UsageError, match="parameters is 'lodaed': say \"loaded\", or give values"):
        parity.check(mlx.nn.Linear(2, 2), torch.nn.Linear(2, 2), (2, 2), parameters="lodaed")
