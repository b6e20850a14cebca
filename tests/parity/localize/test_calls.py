"""Recording: every public call of every submodule, in both frameworks alike, and nothing left behind."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from parity.localize.calls import public_methods, recording, submodules

NN = {"mlx": mlx_nn, "torch": torch_nn}
SIZES = np.ones((2, 3), np.float32)


def array(backend, x=SIZES):
    return mx.array(x) if backend == "mlx" else torch.tensor(x)


def built(backend):
    """A model in either framework: a shared layer, a list, two methods that are no call, and a private one."""
    nn = NN[backend]

    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def twice(self, x):
            """Public, and called by the module itself."""
            return self.inner(self._once(x)), {"sum": x + x}

        def _once(self, x):
            return x

        def names(self):
            """Computes nothing."""
            return ["a"]

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            layers = [nn.Linear(3, 3), Half()]
            self.layers = layers if backend == "mlx" else nn.ModuleList(layers)
            self.shared = self.layers[0]
            self.norm = nn.LayerNorm(3)

        def run(self, x, *, scale=1.0):
            self.layers[1].names()
            y, extra = self.layers[1].twice(self.norm(x))
            return self.shared(self.layers[0](y)) * scale + extra["sum"]

        def _forward(self, x):
            return self.run(x, scale=2.0)

    # What calling a module calls.
    setattr(Model, "__call__" if backend == "mlx" else "forward", Model._forward)
    return Model()


@pytest.fixture(params=["mlx", "torch"])
def backend(request):
    return request.param


def test_both_frameworks_record_alike(backend):
    model = built(backend)
    with recording(model) as calls:
        model(array(backend))
    assert [str(call) for call in calls] == [
        "norm", "layers.1.inner", "layers.1.twice", "layers.0", "layers.0 #1", "run", "the model",
    ]  # fmt: skip


def test_arguments_and_outputs_are_recorded_as_numpy(backend):
    model = built(backend)
    with recording(model) as calls:
        answer = model(array(backend))
    run = next(call for call in calls if call.method == "run")
    (x,), named = run.arguments
    assert isinstance(x, np.ndarray) and x.dtype == np.float64 and np.array_equal(x, SIZES)
    assert named == {"scale": 2.0}
    assert np.array_equal(run.output, np.array(answer.tolist()))
    _, extra = next(call for call in calls if call.method == "twice").output
    assert extra["sum"].shape == (2, 3)


def test_the_model_is_left_as_it_was(backend):
    model = built(backend)
    before = {path: type(part) for path, part in submodules(model).items()}
    with pytest.raises(RuntimeError, match="inside"), recording(model):
        assert all(type(part) is not before[path] for path, part in submodules(model).items())
        assert all(isinstance(part, before[path]) for path, part in submodules(model).items())
        raise RuntimeError("inside")
    assert {path: type(part) for path, part in submodules(model).items()} == before


def test_a_call_that_raises_is_no_call(backend):
    model = built(backend)
    with recording(model) as calls, pytest.raises((ValueError, RuntimeError)):
        model(array(backend, np.ones((2, 5), np.float32)))
    assert "run" not in [call.method for call in calls]


def test_two_recordings_in_turn_are_the_same(backend):
    model, records = built(backend), []
    for _ in range(2):
        with recording(model) as calls:
            model(array(backend))
        records.append(calls)
    assert [str(c) for c in records[0]] == [str(c) for c in records[1]]
    assert all(np.array_equal(a.output, b.output) for a, b in zip(*records, strict=True) if a.method != "twice")


def test_what_is_overwritten_afterwards_does_not_change_the_record():
    class Adds(torch_nn.Module):
        def forward(self, x):
            return x.add_(1)

    model = Adds()
    x = torch.zeros(2, dtype=torch.float64)
    with recording(model) as calls:
        model(x).mul_(5)
    assert calls[0].arguments[0][0].tolist() == [0, 0]
    assert calls[0].output.tolist() == [1, 1]


def test_a_cache_is_recorded_as_it_was_before_the_call():
    class Cache:
        def __init__(self):
            self.length = 0

    class Writes(mlx_nn.Module):
        def __call__(self, x, cache):
            cache.length += 1
            return x

    model, cache = Writes(), Cache()
    with recording(model) as calls:
        model(mx.ones(2), cache)
    assert (calls[0].arguments[0][1].length, cache.length) == (0, 1)


def test_a_shared_module_has_one_path_in_both():
    paths = [set(submodules(built(backend))) - {"layers"} for backend in NN]
    assert paths[0] == paths[1] == {"", "layers.0", "layers.1", "layers.1.inner", "norm"}


def test_inherited_methods_are_recorded_and_those_of_the_frameworks_are_not():
    class Base(torch_nn.Module):
        def forward(self, x):
            return self.double_of(x)

        def double_of(self, x):
            return 2 * x

    class Derived(Base):
        def double_of(self, x):
            return super().double_of(x) + 0

    model = Derived()
    assert set(public_methods(model)) == {"forward", "double_of"}
    with recording(model) as calls:
        model(torch.ones(1))
    assert [str(call) for call in calls] == ["double_of", "the model"]


def test_recording_works_while_a_gradient_is_taken():
    model = built("mlx")
    with recording(model) as calls:
        mx.grad(lambda x: model(x).sum())(mx.array(SIZES))
    assert len(calls) == 7 and np.isfinite(calls[-1].output).all()
