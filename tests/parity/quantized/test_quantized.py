"""Quantized layers: MLX's and mlx-lm's pass, wrong groups, bits, orders and products do not."""

from __future__ import annotations

from functools import partial

import mlx.core as mx
import mlx.nn
import numpy as np
import pytest
import torch
from mlx.utils import tree_unflatten

import parity
from parity.float64.quantized import dequantize
from tests.support.assertions import all_passed

VOCABULARY, WIDTH = 24, 64


class MlxModel(mlx.nn.Module):
    """ids (B, T) -> logits (B, T, V), with a tied head."""

    def __init__(self):
        super().__init__()
        self.embedding, self.norm = mlx.nn.Embedding(VOCABULARY, WIDTH), mlx.nn.RMSNorm(WIDTH)
        self.layer = mlx.nn.Linear(WIDTH, WIDTH)

    def __call__(self, ids):
        return self.embedding.as_linear(mlx.nn.silu(self.layer(self.norm(self.embedding(ids)))))


class TorchModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.norm, self.layer = torch.nn.RMSNorm(WIDTH, eps=1e-5), torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, ids):
        x = torch.nn.functional.silu(self.layer(self.norm(self.embedding(ids))))
        return x @ self.embedding.weight.mT


def torch_model() -> TorchModel:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return TorchModel()


THEIRS = torch_model()


def quantized(group_size: int = 32, bits: int = 4, dtype: mx.Dtype = mx.float32, **options) -> MlxModel:
    """MLX's model with PyTorch's weights, quantized."""
    model = MlxModel()
    model.update(tree_unflatten([(k, mx.array(p.detach().numpy())) for k, p in THEIRS.named_parameters()]))
    model.set_dtype(dtype)
    mlx.nn.quantize(model, group_size=group_size, bits=bits, **options)
    return model


check = partial(parity.check_quantized, torch=THEIRS, inputs=parity.integers((2, 3), below=VOCABULARY))


@pytest.mark.parametrize(
    ("group_size", "bits", "dtype"), [(32, 4, mx.float32), (64, 3, mx.float32), (64, 8, mx.float16)]
)
def test_what_mlx_quantizes_passes(group_size, bits, dtype):
    result = check(quantized(group_size, bits, dtype))
    all_passed(result)
    assert not result.limitations
    assert {verdict.what for verdict in result if verdict.variant == "mlx float64"} == {
        "embedding, rows", "embedding, product", "layer, product", "the model, output",
    }  # fmt: skip
    assert {verdict.what for verdict in result if verdict.variant == "mlx codes"} == {
        "embedding.weight",
        "layer.weight",
    }
    codes = [verdict for verdict in result if verdict.variant == "mlx codes"]
    assert all(0.3 < verdict.error / verdict.bound <= 1 for verdict in codes)


def test_half_precision_and_other_number_formats():
    result = check(quantized(dtype=mx.bfloat16), dtypes="bfloat16", inputs=None)
    all_passed(result)
    result = check(quantized(32, 4, mode="mxfp4"), dtypes="float32")
    all_passed(result)
    assert {verdict.variant for verdict in result.limitations} == {"mlx codes"}


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
def test_the_bits_are_decoded_as_mlx_decodes_them(bits):
    packed = mx.quantize(mx.random.normal((4, 64), key=mx.random.key(bits)), 32, bits)
    with mx.stream(mx.cpu):
        ours, mlx_s = np.array(dequantize(*packed, 32, bits)), np.array(mx.dequantize(*packed, 32, bits))
    assert np.abs(ours - mlx_s).max() <= 2**-22 * np.abs(ours).max()


def exchanged_scales(layer) -> None:
    layer.scales = layer.scales[:, ::-1]


def scales_of_groups_twice_as_long(layer) -> None:
    """Quantized by 64, read by 32."""
    weight = mx.array(THEIRS.layer.weight.detach().numpy())
    layer.weight, scales, biases = mx.quantize(weight, 64, 4)
    layer.scales, layer.biases = mx.concatenate([scales, scales[::-1]], 1), mx.concatenate([biases, biases[::-1]], 1)


def nibbles_from_the_other_end(layer) -> None:
    octets = mx.view(layer.weight, mx.uint8)
    layer.weight = mx.view((octets >> 4) | (octets << 4), mx.uint32)


def quantized_along_the_other_axis(layer) -> None:
    weight = mx.array(THEIRS.layer.weight.detach().numpy().T.copy())
    layer.weight, layer.scales, layer.biases = mx.quantize(weight, 32, 4)


def an_offset_of_the_other_sign(layer) -> None:
    layer.biases = -layer.biases


class Biasless(mlx.nn.QuantizedLinear):
    """Forgets the bias."""

    def __call__(self, x):
        return super().__call__(x) - self["bias"]


class Coarse(mlx.nn.QuantizedLinear):
    """Rounds its input to half precision."""

    def __call__(self, x):
        return super().__call__(mx.array(np.array(x).astype(np.float16).astype(np.array(x).dtype)))


def of_class(other: type):
    return lambda layer: object.__setattr__(layer, "__class__", other)


WRONG_CODES = [
    exchanged_scales,
    scales_of_groups_twice_as_long,
    nibbles_from_the_other_end,
    quantized_along_the_other_axis,
    an_offset_of_the_other_sign,
]


@pytest.mark.parametrize("plant", WRONG_CODES, ids=lambda plant: plant.__name__)
def test_wrong_codes(plant):
    model = quantized()
    plant(model.layer)
    result = check(model, dtypes="float32", inputs=None)
    assert [verdict.what for verdict in result.failures] == ["layer.weight"]
    assert "half a step of group" in result.failures[0].sentence()


@pytest.mark.parametrize("other", [Biasless, Coarse])
def test_wrong_products(other):
    model = quantized()
    of_class(other)(model.layer)
    result = check(model)
    assert {verdict.what for verdict in result.failures} == {"layer, product", "the model, output"}
    assert {verdict.variant for verdict in result.failures} == {"mlx float64", "mlx float32"}


def test_a_model_that_uses_its_layers_otherwise():
    model = quantized()
    model.norm.eps = 1e-3
    assert {verdict.what for verdict in check(model, dtypes="float64").failures} == {"the model, output"}


def test_the_group_size_must_fit():
    model = quantized()
    model.layer.group_size = 64
    with pytest.raises(parity.UsageError, match="layer.weight: a row has 64 weights of 4 bits, but 2 groups of 64"):
        check(model)
    with pytest.raises(parity.UsageError, match="MlxModel has no quantized layer"):
        check(MlxModel())
    with pytest.raises(parity.UsageError, match="no precision 'int4'"):
        check(quantized(), dtypes="int4")
