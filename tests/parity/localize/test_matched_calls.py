"""MatchedCalls: arguments are paired by shape, dtype class and value, and what cannot be paired is reported."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch
from mlx import nn as mlx_nn

from lyceum.personas.spec.case import representable
from parity.localize.calls import Call
from parity.localize.matched_calls import match_calls, repeat
from parity.localize.matching import match_arrays, shapes

THIRD = np.full(2, 1 / 3)  # a result of a computation: float32 does not hold it


def call(args, output=THIRD, **named):
    return Call("", "__call__", 0, (tuple(args), named), output)


def made(mlx_args, torch_args, output=THIRD, other=THIRD):
    return match_calls(call(mlx_args, output), call(torch_args, other))


def test_of_several_the_nearest_is_taken():
    a, b = np.array([1.0, 2.0]), np.array([5.0, 6.0])
    matched = made([a, b], [b + 1e-9, a + 1e-9])
    assert matched.arguments == ((" 0.0", " 0.1"), (" 0.1", " 0.0"))
    assert [x.tolist() for x in matched.inputs] == [representable(a + 1e-9).tolist(), representable(b + 1e-9).tolist()]


def test_of_equally_near_ones_the_first():
    x = np.ones(2)
    pairs = match_arrays({"a": x, "b": x}, {"c": x, "d": x}, lambda x, y: 0.0)
    assert [pair[:2] for pair in pairs] == [("a", "c"), ("b", "d")]


@pytest.mark.parametrize("other", [np.ones(3), np.ones(2, int), np.ones(2, bool)])
def test_shape_and_dtype_class_must_agree(other):
    matched = made([np.ones(2)], [other])
    assert matched.inputs == () and matched.missing == (
        "MLX alone is given float64 (2,)",
        f"PyTorch alone is given {shapes({'': other})}",
    )


def test_unsigned_numbers_are_integers_and_keep_their_precision():
    matched = made([np.ones(2, np.uint32)], [np.array([3, 4])])
    assert matched.mlx.arguments[0][0].dtype == np.uint32 and matched.mlx.arguments[0][0].tolist() == [3, 4]
    assert matched.inputs == () == matched.missing


def test_mlx_is_given_what_pytorch_was_given():
    matched = made([THIRD, "causal", None], [THIRD + 1, 7])
    assert matched.inputs[0].tolist() == representable(THIRD + 1).tolist()
    assert matched.mlx.arguments[0][1:] == ("causal", None) and not matched.reason


def test_a_constant_of_mlx_stays():
    mask = np.array([[0.0, -np.inf], [0.0, 0.0]])
    matched = made([THIRD, mask], [THIRD])
    assert not matched.reason and np.array_equal(matched.mlx.arguments[0][1], mask)
    assert matched.missing == ("MLX alone is given float64 (2, 2)",)


def test_what_mlx_computed_and_pytorch_has_not_is_not_compared():
    matched = made([THIRD, np.full((2, 2), 1 / 3)], [THIRD, np.full((4,), 1 / 3)])
    assert matched.reason == "MLX alone is given float64 (2, 2), PyTorch alone float64 (4,)"


def test_what_pytorch_alone_is_given_differs_from_a_constant():
    assert made([THIRD], [THIRD, np.full(3, 1 / 3)]).torch_computed
    assert not made([THIRD], [THIRD, np.ones(3)]).torch_computed


def test_an_infinite_argument_is_shared_but_not_differentiated():
    mask = np.array([0.0, -np.inf])
    matched = made([THIRD, mask], [THIRD, mask])
    assert len(matched.inputs) == 1 and matched.mlx.arguments[0][1].tolist() == mask.tolist()


def test_outputs_are_paired_in_order_and_the_rest_is_reported():
    matched = made([], [], output=(THIRD, np.ones((2, 2))), other=[THIRD + 1, THIRD])
    assert matched.outputs == ((" 0",), (" 0",))
    assert (
        matched.torch_outputs().keys() == {"output"}
        and matched.torch_outputs()["output"].tolist() == (THIRD + 1).tolist()
    )
    assert matched.missing == ("MLX alone returns float64 (2, 2)", "PyTorch alone returns float64 (2,)")


@pytest.mark.parametrize("other", [np.ones(3), np.ones((2, 1)), np.ones(2, int)])
def test_outputs_that_do_not_correspond_are_a_reason(other):
    assert made([], [], other=other).reason == f"MLX returns float64 (2,), PyTorch {shapes({'': other})}"


def test_integers_returned_are_nothing_to_differentiate():
    assert made([], [], np.ones(2, int), np.ones(2, int)).reason


class Cache:
    length = 0


class Counts(mlx_nn.Module):
    def __call__(self, x, cache):
        cache.length += 1
        return x * cache.length


def test_a_call_can_be_repeated_although_it_writes_into_its_cache():
    recorded = call([THIRD, Cache()])
    for _ in range(2):
        matched = repeat(recorded, Counts(), {}, mx.array, ("",))
        assert np.allclose(np.array(matched), THIRD)


def test_constants_take_the_precision_of_the_inputs():
    class Adds(torch.nn.Module):
        def forward(self, x, y):
            return x + y

    matched = match_calls(call([THIRD]), call([THIRD, np.full(3, 1 / 3)[:1]]))
    for dtype in (torch.float32, torch.float64):
        assert matched.call_torch(Adds(), torch.ones(2, dtype=dtype)).dtype == dtype
