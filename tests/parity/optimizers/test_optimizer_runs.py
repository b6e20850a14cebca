"""The parts of the optimizer check: the inputs, PyTorch ready for random rounding, MLX in float64."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch
import torch.optim as to

from parity.bounds.rounding import UNIT, RandomRounding, deviations
from parity.optimizers.inputs import OptimizerInputs, draw
from parity.optimizers.mlx_run import in_full
from parity.optimizers.torch_run import FUSED, INPLACE, Elementary, open_to_rounding, run, run_roundable, single
from parity.results.verdict import AGREEMENT


def test_the_learning_rate_in_full():
    assert in_full(mx.array(1e-3), [0.1, 1e-3]) == 1e-3
    assert in_full(mx.array(1e-3), [1e-3 * (1 + 1e-6)]) == float(np.float32(1e-3))


def test_the_inputs_have_every_regime():
    parameters, gradients = draw({"a": (6, 4), "b": ()}, 50, 0)
    size = np.abs([g["a"] for g in gradients]).max(0)
    assert size.max() > 5 and 0 < size[size > 0].min() < 1e-6 and (size == 0).sum() == 1
    assert not any(g.any() for g in gradients[2].values())
    assert np.array_equal(parameters["a"], parameters["a"].astype(np.float32))
    norms = [sum((g**2).sum() for g in given.values()) ** 0.5 for given in gradients]
    assert min(norms) < 1 < max(norms)


SCALED = {"lerp": {}, "add": {"alpha": 0.7}, "addcmul": {"value": 0.7}, "addcdiv": {"value": 0.7}}
SCALED["addmm"] = {"beta": -0.7, "alpha": 0.3}


@pytest.mark.parametrize("packet", [*FUSED, *INPLACE], ids=str)
def test_fused_operations_are_the_same_one_by_one(packet):
    name = packet.__name__.rstrip("_")
    rest = {"lerp": [0.3], "add": []}.get(name, [torch.tensor([[3.0, 2.0], [1.0, 4.0]]).double()])

    def computed():
        x, y = torch.tensor([[1.0, -2.0]]).double(), torch.tensor([[1e3, -5.0]]).double()
        return getattr(torch.ops.aten, packet.__name__)(x.repeat(2, 1), y.repeat(2, 1), *rest, **SCALED[name])

    with Elementary():
        one_by_one = computed()
    assert torch.allclose(one_by_one, computed(), rtol=4 * UNIT["float64"], atol=0)


def test_what_cancels_inside_a_fused_operation_is_rounded():
    def cancelled():
        with Elementary():
            x = torch.tensor([1.0]).double().lerp_(torch.tensor([-9.0]).double(), 0.1)
        return {"x": x}

    assert deviations(cancelled)["x"] > UNIT["float32"] / 10


def adam(parameters):
    return to.Adam(parameters, lr=1e-3)


def test_what_is_open_to_rounding_is_the_same_optimizer():
    inputs = OptimizerInputs(*draw({"a": (5,)}, 3, 0), None, None, None)
    plain, open_ = run(adam, inputs, "float64", single), run_roundable(adam, inputs)
    assert plain.keys() == open_.keys() == {("a", key, t) for key in ("", "exp_avg", "exp_avg_sq") for t in (1, 2, 3)}
    for key, value in plain.items():
        assert (value - open_[key]).abs().max() <= AGREEMENT * value.abs().max(), key


def test_constants_are_rounded_under_random_rounding_only():
    optimizer = adam([torch.zeros(2)])
    before = {
        key: value for key, value in optimizer.param_groups[0].items() if key in ("lr", "betas", "eps", "amsgrad")
    }
    open_to_rounding(optimizer)
    assert before.items() <= {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}.items()
    with RandomRounding(UNIT["float32"], 0):
        open_to_rounding(optimizer)
    after = optimizer.param_groups[0]
    for old, new in zip(
        [before["lr"], *before["betas"], before["eps"]], [after["lr"], *after["betas"], after["eps"]], strict=True
    ):
        assert 0 < abs(new - old) <= UNIT["float32"] * old
    assert after["amsgrad"] is False


def test_the_bias_correction_is_rounded():
    """1 - 0.999 cancels three digits: one rounding of the power and two of the difference are 3000 of the result."""
    _, gradients = draw({"a": ()}, 1, 0)
    still = OptimizerInputs({"a": np.zeros(())}, gradients, None, None, None)
    deviation = deviations(lambda: run_roundable(lambda parameters: to.Adam(parameters, lr=1.0), still))
    assert 100 * UNIT["float32"] < deviation["a", "", 1] < 3000 * UNIT["float32"]
