"""What is ignored: parameters, buffers and outputs of either side, with reasons that every report shows."""

from __future__ import annotations

import json

import mlx.core as mx
import mlx.nn
import pytest
import torch

import parity
from parity.results.junit import document
from tests.support.computed_pairs import FIRST


class Mlx(mlx.nn.Module):
    """table: a constant, public and so a parameter in MLX's eyes."""

    def __init__(self, scale: float = 1.0):
        super().__init__()
        self.linear, self.table, self._scale = mlx.nn.Linear(4, 4, bias=False), mx.array([1.0, 2.0, 0.5, -1.0]), scale

    def __call__(self, x):
        y = self.linear(x) * self.table
        return y * self._scale, y.sum(), x.mean()


class Torch(torch.nn.Module):
    """bias: zero, so MLX's has none."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.linear = torch.nn.Linear(4, 4)
        torch.nn.init.zeros_(self.linear.bias)
        self.register_buffer("scales", torch.tensor([1.0, 2.0, 0.5, -1.0]))

    def forward(self, x):
        return {"y": self.linear(x) * self.scales, "loss": x.sum()}


IGNORE = {
    "table": "a constant",
    r"linear\.b.*": "zero in every checkpoint",
    "scales": "a constant",
    r"output [12]": "statistics",
    "output loss": "not ported",
}


def test_everything_that_can_be_ignored():
    result = parity.check(Mlx(), Torch(), (3, 4), ignore=IGNORE, **FIRST).or_raise()
    assert result.names == ("linear.weight = linear.weight",)
    assert {v.what for v in result if v.variant == "mlx float64"} == {"output", "input 0", "linear.weight"}
    assert not parity.check(Mlx(1.001), Torch(), (3, 4), ignore=IGNORE, **FIRST).ok, "the rest is compared"


def test_every_report_shows_the_reasons():
    result = parity.check(Mlx(), Torch(), (3, 4), ignore=IGNORE, **FIRST)
    lines = str(result).splitlines()
    for what, reason in {
        "MLX's parameter table": "a constant",
        "PyTorch's parameter linear.bias": "zero in every checkpoint",
        "PyTorch's buffer scales": "a constant",
        "MLX's output 2": "statistics",
        "PyTorch's output loss": "not ported",
    }.items():
        assert f"ignored: {what}: {reason}" in lines
        assert f"{what}: {reason}" in document(result.records()).decode()
    assert lines[-1].endswith("verdicts passed."), "what is ignored is not counted as passed"
    json.dumps(result.records())


def test_nothing_is_ignored_silently():
    result = parity.check(mlx.nn.Linear(2, 2), torch.nn.Linear(2, 2), (2, 2), **FIRST)
    assert result.ignored == () and "ignored" not in str(result)


MISTAKES = {
    "a slip": ({"tabel": "a constant"}, "ignore names 'tabel', and neither side has .* .nearest: table"),
    "no such output": (IGNORE | {"output 3": "none"}, "ignore names 'output 3', and neither side has"),
    "no reason": ({"table": " "}, "ignore has 'table': ' ', which states no reason: give a dictionary such as"),
    "a list": (["table"], r"ignore is \['table'\]: give a dictionary such as"),
    "syntax": ({"(": "x"}, r"ignore has '\(', which is not a regular expression: missing \)"),
    "all outputs": ({"table": "x", "linear.bias": "x", "output.*": "x"}, "returns no array"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistake):
    ignore, words = MISTAKES[mistake]
    with pytest.raises(parity.UsageError, match=words) as raised:
        parity.check(Mlx(), Torch(), (3, 4), ignore=ignore, **FIRST)
    assert "\n" not in str(raised.value)


def test_only_outputs_of_modules_as_they_were_loaded():
    """Whose parameters correspond in no way that can be written down."""
    theirs = torch.nn.Linear(3, 3)

    class Fused(mlx.nn.Module):
        def __init__(self):
            super().__init__()
            self.packed = mx.array(torch.cat([theirs.weight, theirs.bias[:, None]], 1).detach().numpy())

        def __call__(self, x):
            return x @ self.packed[:, :3].T + self.packed[:, 3]

    ignore = {"packed": "fused by the loader", "weight|bias": "fused by the loader"}
    for probes in (("gradient",), ("gradient", "jvp")):
        result = parity.check(Fused(), theirs, (2, 3), ignore=ignore, parameters="loaded", probes=probes).or_raise()
    assert {v.what for v in result if v.variant == "mlx float64"} == {"output", "input 0", "jvp, output"}
