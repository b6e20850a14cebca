"""Axes: arrays of one content in different orders, and convolutional models whose submodules differ in nothing else."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as mlx_nn
import numpy as np
import pytest
import torch
from torch import nn as torch_nn

import parity
from parity.localize.axes import fitting_axes
from parity.localize.matching import greatest_difference, match_arrays
from tests.support.turns import every

NAMES = [(rf"({path})\.weight", parity.permuted(r"\1.weight", (0, 2, 3, 1))) for path in (r"stem", r"units\.\d\.conv")]


@pytest.mark.parametrize(
    ("torch_shape", "mlx_shape", "orders"),
    [
        ((2, 3), (2, 3), [(0, 1)]),
        ((2, 3), (3, 2), []),
        ((2, 3, 4, 5), (2, 4, 5, 3), [(0, 2, 3, 1)]),
        ((2, 3, 4), (2, 4, 3), [(0, 2, 1)]),
        ((2, 3, 4, 5), (2, 5, 3, 4), [(0, 3, 1, 2)]),
        ((2, 3, 4, 5), (2, 4, 3, 5), [(0, 2, 1, 3)]),
        ((2, 3, 4, 5), (2, 5, 4, 3), []),
        ((2, 3, 3), (2, 3, 3), [(0, 1, 2), (0, 2, 1)]),
        ((2, 5, 3), (10, 3), [(0, 1, 2)]),
        ((10, 3), (2, 5, 3), [(0, 1)]),
        ((2, 5, 3), (10, 4), []),
        ((), (), [()]),
    ],
)
def test_orders_that_fit_the_likeliest_first(torch_shape, mlx_shape, orders):
    fitting = list(fitting_axes(torch_shape, mlx_shape))
    assert [axes.order for axes in fitting] == orders
    for axes in fitting:
        x = np.arange(np.prod(torch_shape, dtype=int)).reshape(torch_shape)
        assert axes.to_mlx(x).shape == mlx_shape
        np.testing.assert_array_equal(axes.to_torch(axes.to_mlx(x)), x)
        np.testing.assert_array_equal(np.array(axes.to_torch(axes.to_mlx(mx.array(x)))), x)


def test_where_shapes_leave_a_choice_the_values_tell():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 4))
    for order in ((0, 1, 2, 3), (0, 2, 3, 1), (0, 2, 1, 3)):
        ((_, _, axes),) = match_arrays({"x": x.transpose(order) + 1e-9}, {"y": x}, greatest_difference)
        assert axes.order == order
    # An error upstream is no reason to turn axes.
    ((_, _, axes),) = match_arrays({"x": x[::-1]}, {"y": x}, greatest_difference)
    assert axes.same


class TorchUnit(torch_nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv, self.norm = torch_nn.Conv2d(width, width, 3, padding=1), torch_nn.GroupNorm(2, width)

    def forward(self, x):
        return x + torch_nn.functional.silu(self.norm(self.conv(x)))


class TorchNet(torch_nn.Module):
    def __init__(self, width):
        super().__init__()
        self.stem = torch_nn.Conv2d(3, width, 2, stride=2)
        self.units = torch_nn.ModuleList(TorchUnit(width) for _ in range(2))
        self.head = torch_nn.Linear(width, 5)

    def forward(self, x):
        x = self.stem(x)
        for unit in self.units:
            x = unit(x)
        return self.head(x.mean((2, 3)))


class MlxUnit(mlx_nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = mlx_nn.Conv2d(width, width, 3, padding=1)
        self.norm = mlx_nn.GroupNorm(2, width, pytorch_compatible=True)
        self.residual = 1.0
        self.act = mlx_nn.silu

    def __call__(self, x):
        return self.residual * x + self.act(self.norm(self.conv(x)))


class MlxNet(mlx_nn.Module):
    """Channels last inside, the picture as PyTorch's outside."""

    def __init__(self, width):
        super().__init__()
        self.stem = mlx_nn.Conv2d(3, width, 2, stride=2)
        self.units = [MlxUnit(width) for _ in range(2)]
        self.head = mlx_nn.Linear(width, 5)
        self.pool = mx.mean

    def __call__(self, x):
        x = self.stem(x.transpose(0, 2, 3, 1))
        for unit in self.units:
            x = unit(x)
        return self.head(self.pool(x, axis=(1, 2)))


def flipped(conv: mlx_nn.Conv2d) -> None:
    """A kernel applied as in mathematics: turned by half a circle."""

    class Flipped(mlx_nn.Conv2d):
        def __call__(self, x):
            return mx.conv2d(x, self.weight[:, ::-1, ::-1], padding=self.padding) + self.bias

    conv.__class__ = Flipped


def without_bias(conv: mlx_nn.Conv2d) -> None:
    class Bare(mlx_nn.Conv2d):
        def __call__(self, x):
            return mx.conv2d(x, self.weight, self.stride, self.padding) + 0 * self.bias

    conv.__class__ = Bare


def turned(net: MlxNet) -> None:
    """Height and width exchanged on the way in."""

    class Turned(MlxNet):
        def __call__(self, x):
            return MlxNet.__call__(self, x.transpose(0, 1, 3, 2))

    net.__class__ = Turned


MISTAKES = {
    "flipped kernel": (lambda net: flipped(net.units[0].conv), "units.0.conv"),
    "forgotten bias": (lambda net: without_bias(net.stem), "stem"),
    "other eps": (lambda net: setattr(net.units[1].norm, "eps", 1e-3), "units.1.norm"),
    "MLX's order of groups": (lambda net: setattr(net.units[0].norm, "pytorch_compatible", False), "units.0.norm"),
    "other activation": (lambda net: setattr(net.units[1], "act", mlx_nn.gelu), "units.1"),
    "forgotten residual": (lambda net: setattr(net.units[0], "residual", 0.0), "units.0"),
    "maximum for mean": (lambda net: setattr(net, "pool", mx.max), ""),
    "turned picture": (turned, ""),
}


WIDTHS = {"width = height = channels": 8, "shapes tell": 4}
SHAPE = (2, 3, 16, 16)


def torch_net(width):
    torch.manual_seed(0)
    return TorchNet(width)


def localized(ours, theirs):
    return parity.localize(ours, theirs, SHAPE, names=NAMES, dtypes=("float64",))


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_channels_last_and_first_agree_submodule_by_submodule(width):
    result = localized(MlxNet(width), torch_net(width))
    assert result.first_divergence is None, result.sentence()
    units = [f"units.{i}{part}" for i in range(2) for part in (".conv", ".norm", "")]
    assert [call.name for call in result.calls] == ["stem", *units, "head", "the model"]
    assert not any(call.reason or call.missing or call.innocent for call in result.calls)


# By default the half of them, on the model whose shapes do not tell; the others take the same way.
@pytest.mark.parametrize("case", every(4, [f"{mistake}, {width}" for mistake in MISTAKES for width in WIDTHS]))
def test_a_mistake_in_a_convolutional_model_is_named(case):
    mistake, _, width = case.partition(", ")
    plant, path = MISTAKES[mistake]
    ours = MlxNet(WIDTHS[width])
    plant(ours)
    first = localized(ours, torch_net(WIDTHS[width])).first_divergence
    assert first is not None and first.path == path, first and first.sentence()
