"""Between the children: what a call does besides calling others, and which of its failed children it makes good.

An embedding that PyTorch scales inside, and MLX in the model around it, returns something else in either; yet nothing
is wrong. Whether a failed child is to blame shows in what its parent makes of it. The parent's MLX call is repeated on
PyTorch's inputs with every child cut out: child after child is given what PyTorch's was given, and the parent goes on
with PyTorch's output of it, or with MLX's. So no error travels from child to child, and what arrives at the next one,
or at the end, is the work of the parent on a few outputs. What arrives is compared with what arrived in PyTorch:

    PyTorch's output leads to it, MLX's does not      the child is to blame
    MLX's leads to it, PyTorch's does not             the work was moved: the parent does what the child leaves out
    neither does                                      the parent itself is wrong behind the child

The bounds are those of `parity.bounds.rounding`, from PyTorch's calls under random rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
import torch

from parity.bounds.rounding import Deviations, allowance
from parity.compare.pair import Pair
from parity.localize.calls import Call, public_methods, recording, replaced, submodules
from parity.localize.matched_calls import MatchedCalls
from parity.results.verdict import AGREEMENT, compare, magnitude
from parity.sides.mlx_side import as_float64
from parity.sides.test_point import Point
from parity.sides.trees import leaves, mapped
from parity.sides.variants import Variant

Arrivals = dict[tuple, np.ndarray]  # what arrives: (number of the child, name of its argument) or ("output", name)


@dataclass(frozen=True)
class Between:
    """pair, point: a call of both, as it is compared. children: the matched calls inside it.

    inside: of each child that PyTorch's call makes as well, that call, on the inputs of `point`.
    """

    pair: Pair
    point: Point
    children: tuple[MatchedCalls, ...]
    inside: dict[int, Call]

    def arrivals(self, natural: frozenset[int]) -> Arrivals:
        """What MLX's call hands to its children and returns; it goes on with MLX's output of the `natural` ones."""
        seen: Arrivals = {}
        root = self.pair.mlx.module
        methods: dict[str, dict[str, Callable]] = {}
        for (path, name), numbers in self._queues().items():
            original = public_methods(submodules(root)[path])[name]
            methods.setdefault(path, {})[name] = self._substitute(original, list(numbers), natural, seen)
        with replaced(root, methods):
            values = self.pair.evaluate(Variant("mlx", "float64"), "value", self.point)
        return seen | {("output", name): y for (probe, name), y in values.items() if probe == "value"}

    def _queues(self) -> dict[tuple[str, str], list[int]]:
        queues: dict[tuple[str, str], list[int]] = {}
        for i in sorted(self.inside, key=lambda i: self.children[i].mlx.n):
            queues.setdefault((self.children[i].mlx.path, self.children[i].mlx.method), []).append(i)
        return queues

    def _substitute(self, original: Callable, numbers: list[int], natural: frozenset[int], seen: Arrivals) -> Callable:
        """What replaces a method of MLX's children, of which `numbers` are called in this order."""

        def method(module: Any, *args: Any, **named: Any) -> Any:
            if not numbers:
                return original(module, *args, **named)
            i = numbers.pop(0)
            child, theirs = self.children[i], dict(leaves(self.inside[i].arguments, ""))
            given, live = {}, dict(leaves((args, named), ""))
            for ours, name, axes in zip(*child.arguments, child.argument_axes, strict=True):
                seen[i, name] = as_float64(axes.to_torch(live[ours]))
                given[ours] = mx.array(axes.to_mlx(theirs[name]), live[ours].dtype)
            if i in natural:
                args, named = mapped((args, named), "", lambda name, x: given.get(name, x))
                return original(module, *args, **named)
            theirs = dict(leaves(self.inside[i].output, ""))
            returned = {
                ours: axes.to_mlx(theirs[name])
                for ours, name, axes in zip(*child.outputs, child.output_axes, strict=True)
            }
            return mapped(child.mlx.output, "", lambda name, x: _float64(returned.get(name, x)))

        return method


def between(models: Pair, pair: Pair, point: Point, children: Sequence[MatchedCalls]) -> tuple[Between, dict]:
    """(what a call does between its children, {what arrives in PyTorch: (the array, the greatest error allowed)})."""
    root = models.torch.called.module

    def inside() -> tuple[dict[int, Call], dict[tuple, torch.Tensor]]:
        with recording(root) as calls:
            outputs = pair.torch.tensors(("value",), point)
        made: dict[tuple[str, str], list[Call]] = {}
        for call in sorted(calls, key=lambda call: call.n):
            made.setdefault((call.path, call.method), []).append(call)
        theirs = {}
        for i in sorted(range(len(children)), key=lambda i: children[i].torch.n):
            queue = made.get((children[i].torch.path, children[i].torch.method))
            if queue and set(children[i].arguments[1]) <= dict(leaves(queue[0].arguments, "")).keys():
                theirs[i] = queue.pop(0)
        arrived = {
            (i, name): torch.from_numpy(dict(leaves(call.arguments, ""))[name])
            for i, call in theirs.items()
            for name in children[i].arguments[1]
        }
        return theirs, arrived | {("output", name): y.detach() for (_, name), y in outputs.items()}

    pair.torch.tensors(("value",), point)  # when it first runs, it is watched for casts, and so runs twice
    rounded = Deviations(lambda: inside()[1])
    deviation = rounded.of(rounded.enough)
    expected = {}
    for key, x in rounded.exact.items():
        array = x.double().numpy()
        bound, _ = allowance(deviation[key], "float64")
        if bound <= AGREEMENT * magnitude(array):  # else it could excuse a real difference
            expected[key] = array, bound
    return Between(pair, point, tuple(children), inside()[0]), expected


def blamed(call: Between, expected: dict, failed: Sequence[int]) -> dict[int, str]:
    """{number of a failed child: "guilty", "moved" or "unclear"}, see the module; no entry where nothing tells."""

    def agreeing(natural: frozenset[int]) -> tuple[Arrivals, set[tuple]]:
        arrived = call.arrivals(natural)
        fine = {key for key, (x, bound) in expected.items() if key in arrived and _agree(arrived[key], x, bound)}
        return arrived, fine

    base, fine = agreeing(frozenset())
    single = {i: agreeing(frozenset({i})) for i in failed if i in call.inside}
    everyone = agreeing(frozenset(single))[1] if len(single) > 1 else set()
    votes: dict[int, set[str]] = {i: set() for i in single}
    for key in expected.keys() & base.keys():
        sources = [i for i, (arrived, _) in single.items() if not _same(arrived.get(key), base[key])]
        right = [i for i in sources if key in single[i][1]]
        for i in sources:
            if key in fine:
                votes[i] |= set() if i in right else {"guilty"}
            elif right:
                votes[i].add("moved" if i in right else "guilty")
            else:
                votes[i].add("moved" if key in everyone else "unclear")
    ranked = ("guilty", "moved", "unclear")
    return {i: next(word for word in ranked if word in cast) for i, cast in votes.items() if cast}


def _agree(got: np.ndarray, expected: np.ndarray, bound: float) -> bool:
    return compare("", "", "", got, expected, bound, "").ok


def _same(x: np.ndarray | None, y: np.ndarray) -> bool:
    return x is not None and np.array_equal(x, y, equal_nan=True)


def _float64(x: np.ndarray) -> mx.array:
    return mx.array(x, mx.float64) if x.dtype.kind == "f" else mx.array(x)
