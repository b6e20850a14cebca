"""Who is to blame: work that is done in another submodule is moved, and no mistake beside it is hidden by that."""

from __future__ import annotations

import json

import mlx.core as mx
import mlx.nn as mlx_nn
import numpy as np
import pytest
import torch
from torch import nn as torch_nn

import parity
from parity.localize.between import blamed
from parity.results.junit import document
from parity.results.localization import CallResult, first_divergence
from parity.results.reading import run_of
from parity.results.saving import json_safe
from parity.results.verdict import compare

VOCABULARY, WIDTH = 11, 8
IDS = [parity.integers((2, 5), below=VOCABULARY)]


class TorchTable(torch_nn.Embedding):
    """Scales its rows, as Gemma's does."""

    def forward(self, ids):
        return super().forward(ids) * WIDTH**0.5


class TorchLayer(torch_nn.Module):
    """Adds the residual inside its MLP."""

    def __init__(self):
        super().__init__()
        self.norm, self.mlp = torch_nn.LayerNorm(WIDTH), TorchMlp()

    def forward(self, x):
        return self.mlp(self.norm(x), x)


class TorchMlp(torch_nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = torch_nn.Linear(WIDTH, 12), torch_nn.Linear(12, WIDTH)

    def forward(self, x, residual):
        return residual + self.down(torch.tanh(self.up(x)))


class TorchModel(torch_nn.Module):
    def __init__(self):
        super().__init__()
        self.table = TorchTable(VOCABULARY, WIDTH)
        self.layers = torch_nn.ModuleList(TorchLayer() for _ in range(2))
        self.head = torch_nn.Linear(WIDTH, VOCABULARY)

    def forward(self, ids):
        x = self.table(ids)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class MlxMlp(mlx_nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = mlx_nn.Linear(WIDTH, 12), mlx_nn.Linear(12, WIDTH)
        self.slip = 1.0

    def __call__(self, x):
        return self.down(mx.tanh(self.slip * self.up(x)))


class MlxLayer(mlx_nn.Module):
    """Adds the residual itself."""

    def __init__(self):
        super().__init__()
        self.norm, self.mlp = mlx_nn.LayerNorm(WIDTH), MlxMlp()
        self.residual = 1.0

    def __call__(self, x):
        return self.residual * x + self.mlp(self.norm(x))


class MlxModel(mlx_nn.Module):
    """Scales what its embedding returns."""

    def __init__(self):
        super().__init__()
        self.table = mlx_nn.Embedding(VOCABULARY, WIDTH)
        self.layers = [MlxLayer() for _ in range(2)]
        self.head = mlx_nn.Linear(WIDTH, VOCABULARY)
        self.scale, self.narrow = WIDTH**0.5, False

    def __call__(self, ids):
        x = self.table(ids) * self.scale
        for layer in self.layers:
            x = layer(x)
        if self.narrow and x.dtype == mx.bfloat16:
            x = mx.round(x)
        return self.head(x)


def planted(**changes) -> MlxModel:
    """MLX's model with other values of the attributes at some paths, "layers_1_residual" for instance."""
    model = MlxModel()
    for path, value in changes.items():
        *owners, name = path.split("_")
        owner = model
        for part in owners:
            owner = owner[int(part)] if part.isdigit() else getattr(owner, part)
        setattr(owner, name, value)
    return model


def localized(mlx, **options):
    result = parity.localize(mlx, TorchModel(), IDS, **{"dtypes": ("float64",)} | options)
    return result, {call.name: call.failed_stage or call.innocent for call in result.calls}


def test_work_that_is_moved_is_no_divergence():
    """The table is scaled by the model around it, the residual is added by the layer around the MLP."""
    result, stages = localized(planted(), dtypes=("float64", "float32"))
    assert result.first_divergence is None, result.sentence()
    moved = {"table", "layers.0.mlp", "layers.1.mlp"}
    assert {name for name, stage in stages.items() if stage} == moved
    assert {stages[name] for name in moved} == {"moved"}
    assert "all agree (but for table and 2 more, where work is done in another submodule" in result.sentence()
    records = [json.loads(json.dumps(json_safe(record))) for record in result.records()]
    assert "moved" in str(result) and [record["ok"] for record in records] == [True] * (len(stages) + 1)
    assert {call.name for call in run_of(records).calls if call.innocent} == moved
    assert b'failures="0"' in document(records) and b"<failure" not in document(records)
    assert parity.check(planted(), TorchModel(), IDS, dtypes=("float64",), probes=("gradient",)).ok


@pytest.mark.parametrize(
    ("changes", "path", "table"),
    [
        ({"layers_0_norm_eps": 1e-2}, "layers.0.norm", "moved"),
        # What is moved and wrong is hard to tell from its parent. Slow, as the next one takes the same way.
        pytest.param({"layers_1_mlp_slip": 1.01}, "layers.1", "moved", marks=pytest.mark.slow),
        ({"layers_1_residual": 0.99}, "layers.1", "moved"),
        ({"scale": 1.0}, "table", "forward"),  # nobody scales in MLX: what is missing is in the table or behind it
        ({"scale": 8.0}, "", "unclear"),  # the model scales wrongly
    ],
)
def test_a_mistake_beside_moved_work_is_named(changes, path, table):
    result, stages = localized(planted(**changes))
    assert result.first_divergence is not None and result.first_divergence.path == path, result.sentence()
    assert stages["table"] == table
    assert stages["layers.0.mlp"] == "moved"
    assert stages["layers.1.mlp"] == ("unclear" if path == "layers.1" else "moved")
    assert ("layers.1 (forward, or in layers.1.mlp, which differs as well): " in result.sentence()) is (
        path == "layers.1"
    )


def test_a_mistake_in_half_precision_alone_shows_there_and_nowhere_else():
    changes = {"narrow": True}
    for dtypes, path in ((("float64", "float32"), None), (("bfloat16",), "")):
        result, _ = localized(planted(**changes), dtypes=dtypes)
        assert (result.first_divergence and result.first_divergence.path) == path, result.sentence()
        checked = parity.check(planted(**changes), TorchModel(), IDS, dtypes=dtypes, probes=("gradient",))
        assert checked.ok is (path is None)


def test_no_precision_compares_nothing():
    with pytest.raises(parity.UsageError, match="dtypes is empty"):
        localized(planted(), dtypes=())


def test_a_gradient_that_is_no_slope_is_named_as_check_does():
    """PyTorch's module cuts a gradient, and MLX's as well: check fails, and so does localize."""

    class TorchCut(torch_nn.Linear):
        def forward(self, x):
            return super().forward(x) + x.detach() ** 2

    class MlxCut(mlx_nn.Linear):
        def __call__(self, x):
            return super().__call__(x) + mx.stop_gradient(x) ** 2

    ours, theirs = planted(), TorchModel()
    ours.layers[1].mlp.up, theirs.layers[1].mlp.up = MlxCut(WIDTH, WIDTH), TorchCut(WIDTH, WIDTH)
    ours.layers[1].mlp.down, theirs.layers[1].mlp.down = mlx_nn.Linear(WIDTH, WIDTH), torch_nn.Linear(WIDTH, WIDTH)
    assert not parity.check(ours, theirs, IDS, dtypes=("float64",), probes=("gradient",)).ok
    first = parity.localize(ours, theirs, IDS, dtypes=("float64",)).first_divergence
    assert (first.path, first.stage, first.verdict.variant) == ("layers.1.mlp.up", "backward", "torch slope")


class Parent:
    """A parent whose children's outputs are numbers: what arrives behind them is `glue` of those."""

    def __init__(self, glue, theirs, ours):
        self.glue, self.theirs, self.ours, self.inside = glue, theirs, ours, dict.fromkeys(range(len(theirs)))

    def arrivals(self, natural):
        outputs = [self.ours[i] if i in natural else self.theirs[i] for i in range(len(self.theirs))]
        return {("output", str(i)): np.array(y) for i, y in enumerate(self.glue(*outputs))}


@pytest.mark.parametrize(
    ("glue", "expected", "words"),
    [
        (lambda a, b: (a + b,), (3.0,), {0: "guilty", 1: "guilty"}),
        (lambda a, b: (2 * a + 4 * b,), (3.0,), {0: "moved", 1: "moved"}),  # 2 x 0.5 + 4 x 0.5
        (lambda a, b: (2 * a + b,), (3.0,), {0: "moved", 1: "guilty"}),
        (lambda a, b: (2 * a, b), (1.0, 7.0), {0: "moved", 1: "unclear"}),
        (lambda a, b: (9.0,), (9.0,), {}),
    ],
)
def test_what_a_parent_makes_of_its_children_tells(glue, expected, words):
    """PyTorch's children return 1 and 2, MLX's both 0.5."""
    bounds = {("output", str(i)): (np.array(x), 1e-9) for i, x in enumerate(expected)}
    assert blamed(Parent(glue, (1.0, 2.0), (0.5, 0.5)), bounds, [0, 1]) == words


def test_the_innocent_are_counted_and_shown():
    wrong = {"forward": compare("", "mlx float64", "output", np.ones(1), np.zeros(1), 0.5, "by decree")}
    words = {"a": "moved", "b": "unclear", "c": "moved", "d": ""}
    first = first_divergence(CallResult(name, "__call__", name, wrong, innocent=word) for name, word in words.items())
    assert (first.name, first.moved, first.unclear) == ("d", ("a", "c"), ("b",))
    assert "in d (forward, or in b, which differs as well): " in first.sentence()
    assert "(but for a and 1 more, where work is done in another submodule" in first.sentence()
