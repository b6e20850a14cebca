"""Trees of inputs and outputs, and what a point is made of: names, moves, examples, rounding, the axis of examples."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

from lyceum.contract import UsageError
from parity.compare.inputs import arguments, general, integers
from parity.sides.test_point import draw_point, enumerate_leaves, floating
from parity.sides.trees import leaves, mapped

A, B = np.array([1.0, 2.0]), np.array([3, 4])
Both = namedtuple("Both", "left right")


def names(tree, name="output"):
    return [leaf for leaf, _ in leaves(tree, name)]


def test_names():
    assert names(A) == ["output"]
    assert names((A, [B, None], {"k": A})) == ["output 0", "output 1.0", "output 2.k"]
    assert names({"a": {"b": A}}) == ["output a.b"]
    assert names((None, "word", 3)) == []
    assert [name for name, _ in enumerate_leaves((A, (A, B)))] == ["input 0", "input 1.0", "input 1.1"]


def test_mapping_keeps_the_tree():
    tree = (A, [B, None], {"k": A}, Both(A, "word"))
    seen = {}
    new = mapped(tree, "x", lambda name, x: seen.setdefault(name, x) * 2)
    assert list(seen) == ["x 0", "x 1.0", "x 2.k", "x 3.0"]
    assert type(new[1]) is list and new[1][1] is None and isinstance(new[3], Both) and new[3].right == "word"
    assert np.array_equal(new[0], 2 * A) and np.array_equal(new[1][0], 2 * B) and np.array_equal(new[3].left, 2 * A)


def make_point(inputs, outputs, parameters=None, batched=True):
    return draw_point(parameters or {}, inputs, outputs, np.random.default_rng(0), batched)


def test_what_is_differentiated():
    point = make_point((A, B), {"output": A, "output mask": B}, {"w": A})
    assert list(point.leaves()) == ["input 0", "w"] == list(point.directions)
    assert list(point.cotangents) == ["output"], "integers have no cotangent"
    assert list(floating((A, B))) == ["input 0"]


def test_another_point():
    moved = make_point((A, B), {"output": A}, {"w": A}).at({"input 0": A + 1, "w": A + 2})
    assert np.array_equal(moved.inputs[0], A + 1) and np.array_equal(moved.parameters["w"], A + 2)
    assert np.array_equal(moved.inputs[1], B)


@pytest.mark.parametrize(
    ("inputs", "outputs", "several"),
    [
        ((np.ones((2, 3)),), {"output": np.ones((2, 1))}, True),
        ((np.ones((2, 3)), np.ones(2)), {"output": np.ones(2)}, True),
        ((np.ones((1, 3)),), {"output": np.ones((1, 3))}, False),
        ((np.ones((2, 3)),), {"output": np.ones(3)}, False),
        ((np.ones((2, 3)), np.ones(3)), {"output": np.ones((2, 3))}, False),
        ((np.float64(2),), {"output": np.float64(2)}, False),
    ],
)
def test_an_axis_of_examples(inputs, outputs, several):
    assert make_point(inputs, outputs).batched is several
    assert not make_point(inputs, outputs, batched=False).batched


def test_examples():
    parts = make_point((np.arange(6.0).reshape(2, 3), B), {"output": A}).examples()
    assert [part.inputs[0].tolist() for part in parts] == [[[0, 1, 2]], [[3, 4, 5]]]
    assert [part.inputs[1].tolist() for part in parts] == [[3], [4]]
    assert not any(part.batched for part in parts)


def test_rounding_moves_every_number_and_no_id():
    point = make_point((np.array([1 + 2.0**-20]), B), {"output": A}, {"w": np.array([1 / 3])})
    rounded = point.rounded("bfloat16")
    assert rounded.inputs[0] == 1 and np.array_equal(rounded.inputs[1], B)
    assert rounded.parameters["w"].item() * 512 % 1 == 0, "eight bits of mantissa"
    assert all(np.array_equal(x, np.float16(x)) for x in point.rounded("float16").cotangents.values())


G = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("inputs", "shapes"),
    [
        ((2, 3), [(2, 3)]),
        ([(2, 3), (4,)], [(2, 3), (4,)]),
        (np.ones(3), [(3,)]),
        (integers((2, 2), below=5), [(2, 2)]),
        ([{"a": (2,), "b": [(3,), None]}], [(2,), (3,)]),
        (lambda g: (g.normal(size=4), np.arange(2)), [(4,), (2,)]),
        (lambda g: g.normal(size=4), [(4,)]),
    ],
)
def test_inputs_are_described(inputs, shapes):
    drawn = arguments(inputs, G)
    assert [x.shape for _, x in enumerate_leaves(drawn)] == shapes
    assert all(np.array_equal(x, np.float32(x)) for x in floating(drawn).values()), "every variant starts from them"


def test_integers_stay_below():
    [ids] = arguments(integers((1000,), below=5), G)
    assert set(ids) == set(range(5))


@pytest.mark.parametrize("inputs", [np.array(["a"]), np.array([1j]), object(), [2, 3]])
def test_what_is_no_input(inputs):
    with pytest.raises(UsageError, match="input"):
        arguments(inputs, G)


def test_special_values_are_left():
    given = {
        "gain": np.ones(4),
        "bias": np.zeros(4),
        "matrix": np.zeros((3, 100)),
        "weight": np.arange(4.0),
        "none": A[:0],
    }
    moved = general(given, np.random.default_rng(1))
    assert np.array_equal(moved["weight"], given["weight"]) and moved["none"].size == 0
    assert all(np.ptp(moved[name]) > 0 for name in ("gain", "bias", "matrix"))
    assert 0.01 < moved["matrix"].std() < 0.03 < moved["bias"].std()
