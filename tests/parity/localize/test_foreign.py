"""Localization in models that are not ours: other names, other arguments, things that cannot be paired."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
import torch
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from lyceum.contract import UsageError
from parity.compare.verdicts import compare_pair
from parity.localize import localize, models_and_point
from parity.localize.blame import call_results
from parity.localize.call_results import VARIANTS, call_result
from parity.localize.calls import submodules
from parity.localize.paired_run import paired_run
from parity.localize.updates import Update
from parity.results.localization import CallResult, first_divergence
from parity.results.saving import json_safe
from parity.results.verdict import compare

WIDTH = 8


class TorchBlock(torch_nn.Module):
    def __init__(self):
        super().__init__()
        self.ln = torch_nn.LayerNorm(WIDTH)
        self.fc = torch_nn.Linear(WIDTH, WIDTH)

    def forward(self, x, mask, angles):
        return x + (self.fc(self.ln(x)) * angles).masked_fill(mask, 0.0)


class TorchNet(torch_nn.Module):
    """Hands its blocks a mask and the cosine of an angle; MLX's blocks make both themselves."""

    def __init__(self, turns=1.0):
        super().__init__()
        self.h = torch_nn.ModuleList(TorchBlock() for _ in range(2))
        self.act = torch_nn.GELU()
        self.turns = turns

    def forward(self, x):
        mask = torch.ones(x.shape[-2:]).triu(1).bool()
        angles = torch.full(x.shape[-1:], self.turns, dtype=x.dtype) / 3
        for block in self.h:
            x = block(x, mask, angles.cos())
        return self.act(x)


class MlxBlock(mlx_nn.Module):
    def __init__(self, turns):
        super().__init__()
        self.norm, self.proj = mlx_nn.LayerNorm(WIDTH), mlx_nn.Linear(WIDTH, WIDTH)
        self.turns, self.slip = turns, 1.0

    def __call__(self, x, mask="causal"):
        assert mask == "causal"
        angles = mx.full(x.shape[-1:], self.turns, dtype=x.dtype) / 3
        below = mx.tri(*x.shape[-2:], dtype=x.dtype)
        return x + self.slip * self.proj(self.norm(x)) * mx.cos(angles) * below


class MlxNet(mlx_nn.Module):
    def __init__(self, turns=1.0):
        super().__init__()
        self.layers = [MlxBlock(turns) for _ in range(2)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x, mask="causal")
        return mlx_nn.gelu(x)


NAMES = [(r"layers\.(\d+)\.norm\.(\w+)", r"h.\1.ln.\2"), (r"layers\.(\d+)\.proj\.(\w+)", r"h.\1.fc.\2")]
MODULES = [(r"layers\.(\d+)", r"h.\1")]
SHAPE = (2, WIDTH, WIDTH)


def run(mlx=None, torch=None, modules=MODULES, **named):
    result = localize(mlx or MlxNet(), torch or TorchNet(), SHAPE, names=NAMES, modules=modules, **named)
    return result, {call.name: call.failed_stage for call in result.calls}


def test_models_that_agree_never_diverge():
    result, stages = run()
    assert result.first_divergence is None, result.sentence()
    assert list(stages) == [
        "layers.0.norm", "layers.0.proj", "layers.0", "layers.1.norm", "layers.1.proj", "layers.1", "the model",
    ]  # fmt: skip
    assert result.unpaired == ("PyTorch's act",)
    assert result.calls[2].missing == ("PyTorch alone is given bool (8, 8), float64 (8,)",)
    assert result.sentence() == "They never diverge in values and gradients: 7 of 7 calls were compared, and all agree."


def test_an_error_does_not_travel():
    """A norm of the first layer is wrong, and all that is behind it passes, except what contains it."""
    mlx = MlxNet()
    mlx.layers[0].norm.eps = 1e-3
    result, stages = run(mlx)
    assert {name for name, stage in stages.items() if stage} == {"layers.0.norm", "layers.0", "the model"}
    first_divergence = result.first_divergence
    assert (first_divergence.stage, first_divergence.path, first_divergence.method, first_divergence.skipped) == (
        "forward",
        "layers.0.norm",
        "__call__",
        0,
    )
    for words in ("layers.0.norm (forward)", "mlx float64, output, at (", "everything before it agrees"):
        assert words in result.sentence()


def test_what_fails_has_the_bound_that_check_gives_it():
    mlx = MlxNet()
    mlx.layers[0].norm.eps = 1e-3
    pair, point = models_and_point(mlx, TorchNet(), SHAPE, NAMES, (None, None), None, 0)
    result = list(call_results(pair, point, ()))[-1].verdicts["forward"]
    (same,) = (
        v
        for v in compare_pair(pair, point, VARIANTS, ("gradient",))
        if (v.variant, v.what) == (result.variant, result.what)
    )
    assert (result.bound, result.error, result.where) == (same.bound, same.error, same.where) and not result.ok


def test_a_container_fails_although_its_children_pass():
    mlx = MlxNet()
    mlx.layers[1].slip = 1.001
    result, stages = run(mlx)
    assert result.first_divergence.path == "layers.1"
    assert {name for name, stage in stages.items() if stage} == {"layers.1", "the model"}


def test_a_gradient_that_is_cut_diverges_backward():
    class Cut(mlx_nn.Linear):
        def __call__(self, x):
            return mx.stop_gradient(x) @ self.weight.T + self.bias

    mlx = MlxNet()
    mlx.layers[1].proj = Cut(WIDTH, WIDTH)
    result, _ = run(mlx)
    assert (result.first_divergence.path, result.first_divergence.stage) == ("layers.1.proj", "backward")
    assert result.first_divergence.verdict.what == "input 0"


def test_a_parameter_called_output_is_no_output():
    class MlxHead(mlx_nn.Module):
        def __init__(self):
            super().__init__()
            self.output = mlx_nn.Linear(WIDTH, WIDTH)

        def __call__(self, x):
            return x @ mx.stop_gradient(self.output.weight.T) + self.output.bias

    class TorchHead(torch_nn.Module):
        def __init__(self):
            super().__init__()
            self.output = torch_nn.Linear(WIDTH, WIDTH)

        def forward(self, x):
            return self.output(x)

    first_divergence = localize(MlxHead(), TorchHead(), SHAPE).first_divergence
    assert (first_divergence.stage, first_divergence.verdict.what) == ("backward", "output.weight")


def test_an_unpaired_submodule_is_reported_and_its_container_fails():
    mlx = MlxNet()
    mlx.layers[1].slip = 1.001
    result, stages = run(mlx, modules=None)
    assert list(stages) == ["layers.0.norm", "layers.0.proj", "layers.1.norm", "layers.1.proj", "the model"]
    assert result.first_divergence.path == "" and "first diverge in the model (forward)" in result.sentence()
    assert {"MLX's layers.0", "PyTorch's h.0"} <= set(result.unpaired)


@pytest.mark.parametrize("modules", [{"layers.0": "h.0", "layers.1": "h.1"}, {"layers": "h"}])
def test_a_dictionary_applies_to_what_is_below(modules):
    paired = {call.path for call in run(modules=modules)[0].calls}
    assert {"layers.0", "layers.1"} <= paired


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ({"layer.0": "h.0"}, "MLX has no submodule 'layer.0' (nearest: layers.0"),
        ({"layers.0": "hh.0"}, "PyTorch has no submodule 'hh.0' (nearest: h.0"),
        ([(r"layers\.(\d)", r"g.\1")], "PyTorch has no submodule 'g.0' (nearest: "),
        ([("(", "h")], "the rule '(' for submodules, made of 'h', is not a regular expression"),
        ([("layers.0", r"\1")], "is not a regular expression"),
    ],
)
def test_a_slip_in_the_map_of_modules_is_one_sentence(modules, words):
    with pytest.raises(UsageError) as error:
        run(modules=modules)
    assert words in str(error.value)


def test_what_pytorch_alone_is_given_may_have_been_rounded():
    """Where MLX computes inside what PyTorch was given, MLX's rounding is allowed for, and nothing else is."""
    pair, point = models_and_point(MlxNet(1e5), TorchNet(1e5), SHAPE, NAMES, (None, None), None, 0)
    block = next(each for each in paired_run(pair, point, MODULES).calls if each.mlx.path == "layers.0")
    assert call_result(pair, point, block).failed_stage is None
    assert call_result(pair, point, replace(block, samples=())).failed_stage == "forward"


def test_outputs_that_no_order_of_axes_makes_alike_are_reported():
    class Flat(torch_nn.Linear):
        def forward(self, x):
            return super().forward(x).flatten()

    class TorchOuter(torch_nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = Flat(WIDTH, WIDTH)

        def forward(self, x):
            return self.fc(x).reshape(x.shape)

    class MlxOuter(mlx_nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = mlx_nn.Linear(WIDTH, WIDTH)

        def __call__(self, x):
            return self.fc(x)

    result = localize(MlxOuter(), TorchOuter(), (2, WIDTH))
    fc, model = result.calls
    assert fc.reason == "MLX returns float64 (2, 8), PyTorch float64 (16,)" and not fc.verdicts
    assert model.failed_stage is None and "1 of 2 calls were compared" in result.sentence()


def test_what_could_not_be_compared_before_the_first_divergence_is_counted():
    skipped = CallResult("a", "__call__", "a", {}, reason="shapes")
    failed = CallResult(
        "b", "__call__", "b", {"forward": compare("", "", "", np.ones(1), np.zeros(1), 0.5, "by decree")}
    )
    assert (
        "everything that was compared before it agrees, and 1 could not be compared."
        in first_divergence([skipped, failed]).sentence()
    )


class MlxInverse(mlx_nn.Module):
    """MLX has no gradient of an inverse."""

    factor = 1.0

    def __call__(self, x):
        return self.factor * mx.linalg.inv(x, stream=mx.cpu)


class TorchInverse(torch_nn.Module):
    def forward(self, x):
        return torch.linalg.inv(x)


class MlxAround(mlx_nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.inner = MlxInverse()
        self.inner.factor = factor

    def __call__(self, x):
        return x + self.inner(mx.stop_gradient(x))


class TorchAround(torch_nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = TorchInverse()

    def forward(self, x):
        return x + self.inner(x.detach())


@pytest.mark.parametrize(("factor", "stage"), [(1.0, None), (1.001, "forward")])
def test_what_has_no_gradient_is_compared_forward_alone(factor, stage):
    inner, model = localize(MlxAround(factor), TorchAround(), [np.eye(3) + 0.25]).calls
    assert inner.verdicts.keys() == {"forward"} and inner.failed_stage == stage
    assert model.failed_stage == (stage or "backward")  # the detached argument makes the gradient no slope, as in check
    assert len(inner.missing) == 1 and inner.missing[0].startswith("gradient: ") and "nverse" in inner.missing[0]
    assert model.verdicts.keys() == {"forward", "backward"}


def test_the_models_are_left_as_they_were():
    mlx, torch_model = MlxNet(), TorchNet()
    models = {id(part): type(part) for model in (mlx, torch_model) for part in submodules(model).values()}
    before = mlx.layers[0].proj.weight, torch_model.h[0].fc.weight.detach().clone()
    run(mlx, torch_model)
    assert models == {id(part): type(part) for model in (mlx, torch_model) for part in submodules(model).values()}
    assert mlx.layers[0].proj.weight.dtype == mx.float32 and mx.array_equal(mlx.layers[0].proj.weight, before[0])
    assert torch.equal(torch_model.h[0].fc.weight, before[1])


def test_optimizers_diverge_in_the_update():
    def adam(parameters):
        return torch.optim.AdamW(parameters, lr=1e-3)

    right, _ = run(optimizers=(optim.AdamW(1e-3, bias_correction=True), adam))
    assert right.first_divergence is None, right.sentence()
    wrong, stages = run(optimizers=(optim.AdamW(1e-3), adam))
    assert wrong.first_divergence.stage == "update" == stages["optimizer.step"]
    assert wrong.first_divergence.verdict.what.startswith("h.0.ln.weight")


def test_updates_come_after_the_model_and_in_turn():
    def check(got):
        return lambda: [compare("", "mlx float64", "p", np.array(got), np.array(0.0), 0.5, "by decree")]

    result, stages = run(updates=(Update("a", "step", check(0.0)), Update("b", "step", check(1.0))))
    assert list(stages)[-3:] == ["the model", "a.step", "b.step"]
    assert (result.first_divergence.path, result.first_divergence.stage) == ("b", "update")


def test_the_report_can_be_printed_and_stored():
    mlx = MlxNet()
    mlx.layers[0].norm.eps = 1e-3
    result, stages = run(mlx)
    for words in (*stages, "forward", "PyTorch's act", "PyTorch alone is given", result.sentence()):
        assert words in str(result)
    records = json.loads(json.dumps([json_safe(record) for record in result.records()], allow_nan=False))
    assert [record["record"] for record in records] == ["call"] * 7 + ["first_divergence"]
    assert [record["ok"] for record in records] == [stage is None for stage in stages.values()] + [False]
    assert records[-1]["first_divergence"]["verdict"]["variant"] == "mlx float64"
    assert math.isfinite(records[0]["verdicts"]["forward"]["error"])


def test_functions_have_no_submodules():
    with pytest.raises(UsageError, match="parity.check"):
        localize(lambda x: x, lambda x: x, (2, 3))
