"""An MLX module or function, evaluated at a point in any precision, and left as it was before.

An MLX module holds its parameters; for an evaluation they are exchanged through `update` and put back.
`parity.sides.test_point` defines the probes. Second order is reverse over reverse, jvp is forward mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from parity.float64.mlx_mode import routed
from parity.mapping.ignored import Ignored
from parity.sides.borrowed import arrays_of, borrowed
from parity.sides.single_precision import is_table, narrow_primitives
from parity.sides.test_point import Arrays, Point, Values, arranged
from parity.sides.trees import dtype_name, leaves
from parity.sides.variants import Variant

FLOAT64 = Variant("mlx", "float64")
FLOATING = (mx.float16, mx.bfloat16, mx.float32, mx.float64)


class MlxSide:
    """target: a module, or a function of the inputs. call: (module, *inputs) -> outputs; the module itself if None."""

    backend = "mlx"

    def __init__(self, target: nn.Module | Callable, call: Callable | None = None, left_out: Ignored | None = None):
        if isinstance(target, nn.Module):
            self.call = call or (lambda module, *inputs: module(*inputs))
        else:
            target, self.call = nn.Module(), lambda _, *inputs, function=target: routed(function)(*inputs)
        shared = _floating(target).values()
        self.module = borrowed(target, shared)
        self._writes = any(True for _ in arrays_of(target, map(id, shared)))
        self.build: Callable[[dict[str, mx.array]], dict[str, mx.array]] = lambda given: given  # see `Names.built`
        self.left_out = left_out or Ignored()
        self.ignored = self.left_out.among("MLX's parameter", _floating(self.module))

    def parameters(self) -> Arrays:
        """Its floating parameters (every public floating array), float64, by name."""
        return {name: as_float64(x) for name, x in _floating(self.module).items() if name not in self.ignored}

    def precisions(self) -> dict[str, str]:
        """The precisions in which it has its parameters, by name."""
        return {name: str(x.dtype).rpartition(".")[2] for name, x in _floating(self.module).items()}

    def evaluate(self, probe: str, point: Point, variant: Variant) -> Values:
        """The probe's arrays, float64; gradients by MLX's names."""
        methods = {
            "value": self._values, "gradient": self._reverse, "second": self._second, "jvp": self._forward,
            "looped": self._looped, "vmapped": self._vmapped,
        }  # fmt: skip
        with mx.stream(mx.cpu if variant.device == "cpu" else mx.gpu), self._lent():
            arrays = methods[probe](point, variant)
            dtypes = {("dtype", name): dtype_name(x.dtype) for (of, name), x in arrays.items() if of == "value"}
            return {key: as_float64(x) for key, x in arrays.items()} | dtypes

    @contextmanager
    def _lent(self) -> Iterator[None]:
        before = list(_floating(self.module).items())
        try:
            yield
        finally:
            self.module.update(tree_unflatten(before))

    def _apply(self, given: dict[str, mx.array], inputs: tuple) -> dict[str, mx.array]:
        module = borrowed(self.module, _floating(self.module).values()) if self._writes else self.module
        parameters = self.build({name: x for name, x in given.items() if not name.startswith("input ")})
        module.update(tree_unflatten(list(parameters.items())))
        arguments = arranged(inputs, lambda name, x: given[name] if name in given else _array(x))
        outputs = self.left_out.outputs("MLX", dict(leaves(self.call(module, *arguments), "output")))
        return {
            name: mx.stack([mx.real(y), mx.imag(y)], axis=-1) if y.dtype == mx.complex64 else y
            for name, y in outputs.items()
        }

    def keeps_tables(self) -> bool:
        """Whether the module holds floating arrays in float32, besides its parameters, that are no integers."""
        return any(map(is_table, arrays_of(self.module, map(id, _floating(self.module).values()))))

    def narrow(self, point: Point) -> str:
        """Which primitives compute in less than float64 where the inputs have it, in words; "" if none is seen to."""
        given = _arrays(point.leaves(), FLOAT64)

        def forward(*values: mx.array) -> list[mx.array]:
            return list(self._apply(dict(zip(given, values, strict=True)), point.inputs).values())

        with mx.stream(mx.cpu), self._lent():
            return ", ".join(narrow_primitives(forward, given.values()))

    def _values(self, point: Point, variant: Variant) -> dict:
        outputs = self._apply(_arrays(point.leaves(), variant), point.inputs)
        return {("value", name): y for name, y in outputs.items()}

    def _weighed(self, point: Point, variant: Variant) -> Callable:
        """leaves -> (<outputs, cotangents>, outputs)."""
        cotangents = _arrays(point.cotangents, variant)

        def pull(given: dict[str, mx.array]) -> tuple[mx.array, dict]:
            outputs = self._apply(given, point.inputs)
            return sum((y * cotangents[name]).sum() for name, y in outputs.items() if name in cotangents), outputs

        return pull

    def _reverse(self, point: Point, variant: Variant) -> dict:
        if not (point.cotangents and point.leaves()):
            return self._values(point, variant)
        both = mx.value_and_grad(self._weighed(point, variant))
        (_, outputs), gradients = (mx.compile(both) if variant.compiled else both)(_arrays(point.leaves(), variant))
        return {("value", n): y for n, y in outputs.items()} | {("gradient", n): g for n, g in gradients.items()}

    def _second(self, point: Point, variant: Variant) -> dict:
        pull, directions = self._weighed(point, variant), _arrays(point.directions, variant)

        def along(given: dict[str, mx.array]) -> mx.array:
            gradients = mx.grad(lambda moved: pull(moved)[0])(given)
            return sum((gradients[name] * v).sum() for name, v in directions.items())

        return {("second", name): g for name, g in mx.grad(along)(_arrays(point.leaves(), variant)).items()}

    def _forward(self, point: Point, variant: Variant) -> dict:
        given, directions = _arrays(point.leaves(), variant), _arrays(point.directions, variant)

        def function(*values: mx.array) -> list[mx.array]:
            outputs = self._apply(dict(zip(given, values, strict=True)), point.inputs)
            return [outputs[name] for name in point.cotangents]

        _, slopes = mx.jvp(function, list(given.values()), [directions[name] for name in given])
        return {("jvp", name): slope for name, slope in zip(point.cotangents, slopes, strict=True)}

    def _looped(self, point: Point, variant: Variant) -> dict:
        parts = [self._apply(_arrays(part.leaves(), variant), part.inputs) for part in point.examples()]
        return {("looped", name): mx.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _vmapped(self, point: Point, variant: Variant) -> dict:
        given = _arrays(point.leaves(), variant)
        fixed = {name: given[name] for name in point.parameters}
        inputs = arranged(point.inputs, lambda name, x: given[name] if name in given else _array(x))
        names: list[str] = []

        def one(*example: Any) -> list[mx.array]:
            outputs = self._apply(fixed, arranged(example, lambda _, x: x[None]))
            names[:] = outputs
            return [y[0] for y in outputs.values()]

        mapped = mx.vmap(one)(*inputs)
        return {("vmapped", name): y for name, y in zip(names, mapped, strict=True)}


def _floating(module: nn.Module) -> dict[str, mx.array]:
    return {name: x for name, x in tree_flatten(module.parameters()) if x.dtype in FLOATING}


def _array(x: np.ndarray | mx.array, dtype: mx.Dtype | None = None) -> mx.array:
    if isinstance(x, mx.array):
        return x
    return mx.array(x, dtype) if x.dtype.kind == "f" else mx.array(x)


def _arrays(arrays: Arrays, variant: Variant) -> dict[str, mx.array]:
    return {name: _array(x, getattr(mx, variant.dtype)) for name, x in arrays.items()}


def as_float64(x: mx.array) -> np.ndarray:
    """An MLX array as NumPy float64; NumPy has no bfloat16, so low precisions pass through float32."""
    return np.array(x.astype(mx.float32) if x.dtype in (mx.float16, mx.bfloat16) else x).astype(np.float64)
