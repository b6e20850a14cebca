"""An MLX module or function, probed at a point in any precision, and left as it was found.

An MLX module holds its parameters; for a probe they are exchanged through `update` and put back. What a probe is, says
`parity.problem`. Second order is reverse over reverse, jvp is forward mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from parity.exact import routed
from parity.legs import Leg
from parity.problem import Arrays, Problem, Values, arranged
from parity.trees import leaves

FLOATING = (mx.float16, mx.bfloat16, mx.float32, mx.float64)


class MlxSide:
    """target: a module, or a function of the inputs. call: (module, *inputs) -> outputs; the module itself if None."""

    wing = "mlx"

    def __init__(self, target: nn.Module | Callable, call: Callable | None = None):
        self.module = target if isinstance(target, nn.Module) else nn.Module()
        if isinstance(target, nn.Module):
            self.call = call or (lambda module, *inputs: module(*inputs))
        else:
            self.call = lambda _, *inputs: routed(target)(*inputs)

    def parameters(self) -> Arrays:
        """Its own floating parameters (every public floating array), float64, by name."""
        return {name: as_float64(x) for name, x in self._own().items()}

    def probe(self, kind: str, problem: Problem, leg: Leg) -> Values:
        """The probe's arrays, float64; gradients by MLX's names."""
        kinds = {
            "value": self._values, "gradient": self._reverse, "second": self._second, "jvp": self._forward,
            "looped": self._looped, "vmapped": self._vmapped,
        }  # fmt: skip
        with mx.stream(mx.cpu if leg.device == "cpu" else mx.gpu), self._lent():
            found = kinds[kind](problem, leg)
            return {key: as_float64(x) for key, x in found.items()}

    def _own(self) -> dict[str, mx.array]:
        return {name: x for name, x in tree_flatten(self.module.parameters()) if x.dtype in FLOATING}

    @contextmanager
    def _lent(self) -> Iterator[None]:
        own = list(self._own().items())
        try:
            yield
        finally:
            self.module.update(tree_unflatten(own))

    def _apply(self, given: dict[str, mx.array], inputs: tuple) -> dict[str, mx.array]:
        self.module.update(tree_unflatten([(n, x) for n, x in given.items() if not n.startswith("input ")]))
        arguments = arranged(inputs, lambda name, x: given[name] if name in given else _array(x))
        return dict(leaves(self.call(self.module, *arguments), "output"))

    def _values(self, problem: Problem, leg: Leg) -> dict:
        outputs = self._apply(_arrays(problem.leaves(), leg), problem.inputs)
        return {("value", name): y for name, y in outputs.items()}

    def _weighed(self, problem: Problem, leg: Leg) -> Callable:
        """leaves -> (<outputs, cotangents>, outputs)."""
        cotangents = _arrays(problem.cotangents, leg)

        def pull(given: dict[str, mx.array]) -> tuple[mx.array, dict]:
            outputs = self._apply(given, problem.inputs)
            return sum((y * cotangents[name]).sum() for name, y in outputs.items() if name in cotangents), outputs

        return pull

    def _reverse(self, problem: Problem, leg: Leg) -> dict:
        if not (problem.cotangents and problem.leaves()):
            return self._values(problem, leg)
        both = mx.value_and_grad(self._weighed(problem, leg))
        (_, outputs), gradients = (mx.compile(both) if leg.compiled else both)(_arrays(problem.leaves(), leg))
        return {("value", n): y for n, y in outputs.items()} | {("gradient", n): g for n, g in gradients.items()}

    def _second(self, problem: Problem, leg: Leg) -> dict:
        pull, directions = self._weighed(problem, leg), _arrays(problem.directions, leg)

        def along(given: dict[str, mx.array]) -> mx.array:
            gradients = mx.grad(lambda point: pull(point)[0])(given)
            return sum((gradients[name] * v).sum() for name, v in directions.items())

        return {("second", name): g for name, g in mx.grad(along)(_arrays(problem.leaves(), leg)).items()}

    def _forward(self, problem: Problem, leg: Leg) -> dict:
        given, directions = _arrays(problem.leaves(), leg), _arrays(problem.directions, leg)

        def function(*values: mx.array) -> list[mx.array]:
            outputs = self._apply(dict(zip(given, values, strict=True)), problem.inputs)
            return [outputs[name] for name in problem.cotangents]

        _, slopes = mx.jvp(function, list(given.values()), [directions[name] for name in given])
        return {("jvp", name): slope for name, slope in zip(problem.cotangents, slopes, strict=True)}

    def _looped(self, problem: Problem, leg: Leg) -> dict:
        parts = [self._apply(_arrays(part.leaves(), leg), part.inputs) for part in problem.examples()]
        return {("looped", name): mx.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _vmapped(self, problem: Problem, leg: Leg) -> dict:
        given = _arrays(problem.leaves(), leg)
        fixed = {name: given[name] for name in problem.parameters}
        inputs = arranged(problem.inputs, lambda name, x: given[name] if name in given else _array(x))
        names: list[str] = []

        def one(*example: Any) -> list[mx.array]:
            outputs = self._apply(fixed, arranged(example, lambda _, x: x[None]))
            names[:] = outputs
            return [y[0] for y in outputs.values()]

        mapped = mx.vmap(one)(*inputs)
        return {("vmapped", name): y for name, y in zip(names, mapped, strict=True)}


def _array(x: np.ndarray | mx.array, kind: mx.Dtype | None = None) -> mx.array:
    return x if isinstance(x, mx.array) else mx.array(x, kind) if x.dtype.kind == "f" else mx.array(x)


def _arrays(arrays: Arrays, leg: Leg) -> dict[str, mx.array]:
    return {name: _array(x, getattr(mx, leg.dtype)) for name, x in arrays.items()}


def as_float64(x: mx.array) -> np.ndarray:
    """An MLX array as NumPy float64; NumPy has no bfloat16, so low precisions pass through float32."""
    return np.array(x.astype(mx.float32) if x.dtype in (mx.float16, mx.bfloat16) else x).astype(np.float64)
