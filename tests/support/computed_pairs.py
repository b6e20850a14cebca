"""Pairs whose MLX parameters are computed of PyTorch's: an LSTM with two biases, a convolution with a normed weight."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn
import torch

import parity

LSTM = [
    ("Wx", "weight_ih_l0"),
    ("Wh", "weight_hh_l0"),
    ("bias", parity.summed("bias_ih_l0", "bias_hh_l0")),
]
FIRST = {"dtypes": ("float64",), "probes": ("gradient",)}


class MlxLstm(mlx.nn.LSTM):
    def __call__(self, x):
        return super().__call__(x)[0]


def torch_lstm() -> torch.nn.LSTM:
    torch.manual_seed(0)
    return torch.nn.LSTM(3, 4, batch_first=True)


def first(module, x):
    return module(x)[0]


class MlxConvolution(mlx.nn.Module):
    """(batch, length, channels)."""

    def __init__(self):
        super().__init__()
        self.conv = mlx.nn.Conv1d(3, 4, 3)

    def __call__(self, x):
        return mx.tanh(self.conv(x))


class TorchConvolution(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(3, 4, 3))

    def forward(self, x):
        return torch.tanh(self.conv(x.mT)).mT


class PlainNorm(torch.nn.Module):
    """The weight of `weight_norm` in elementary operations; PyTorch's kernel has a wrong second derivative by v."""

    def forward(self, g, v):
        return v * (g / v.square().sum((1, 2), keepdim=True).sqrt())

    def right_inverse(self, weight):
        return weight.square().sum((1, 2), keepdim=True).sqrt(), weight


def plain_convolution() -> TorchConvolution:
    """The same with elementary operations."""
    convolution = TorchConvolution()
    torch.nn.utils.parametrize.remove_parametrizations(convolution.conv, "weight")
    torch.nn.utils.parametrize.register_parametrization(convolution.conv, "weight", PlainNorm())
    return convolution
