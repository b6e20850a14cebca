"""This project's layers as pairs: the reference of a case, and its implementations in both backends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx
import numpy as np
import torch

import mlx_impl.model
import mlx_impl.registry
import torch_ref.model
import torch_ref.registry
from lyceum.personas.spec.case import Case
from lyceum.rng import stream
from mlx_impl.model import load_parameters as load_mlx
from parity.compare.attempts import computed
from parity.compare.pair import Pair
from parity.compare.verdicts import compare_pair
from parity.results.verdict import Verdict
from parity.sides.mlx_side import MlxSide, as_float64
from parity.sides.test_point import Arrays, Point, draw_point
from parity.sides.torch_side import TorchSide
from parity.sides.trees import leaves
from parity.sides.variants import Variant, variants
from torch_ref.model import load_parameters as load_torch

VARIANTS = tuple(variants(("float64", "float32")))


def check(case: Case, seed: int = 0, variants: tuple[Variant, ...] = VARIANTS) -> Iterator[Verdict]:
    """Every verdict on a case."""
    yield from computed(compare_pair(*pair_and_point(case, seed), variants))


def pair_and_point(case: Case, seed: int = 0) -> tuple[Pair, Point]:
    """A case as a pair and a point: parameters, inputs, cotangents and directions drawn from `seed`."""
    generator, pair = stream(seed, f"parity/{case.name}"), pair_of(case)
    parameters, inputs = case.parameters(generator), case.arguments(generator)
    for side in (pair.torch, pair.mlx):
        if differ := side.parameters().keys() ^ parameters.keys():
            raise ValueError(f"{case.name}: only one side has {sorted(differ)}")
    outputs = dict(leaves(pair.reference(parameters, *inputs), "output"))
    return pair, draw_point(parameters, inputs, outputs, generator, case.batched)


def method_of(module: Any, method: str) -> Callable:
    return module if method == "__call__" else getattr(module, method)


def torch_module(spec: Any, parameters: Arrays, dtype: torch.dtype) -> torch.nn.Module:
    """PyTorch's implementation of a reference, with these parameters, in `dtype` on the CPU."""
    module = torch_ref.registry.build(spec).to(dtype)
    load_torch(module, parameters)
    return module


def mlx_module(spec: Any, parameters: Arrays, dtype: mx.Dtype):
    """MLX's implementation of a reference, with these parameters, in `dtype`."""
    module = mlx_impl.registry.build(spec)
    load_mlx(module, parameters, dtype)
    return module


def pair_of(case: Case) -> Pair:
    """A case as a pair: its reference, and the implementations of it in both backends."""

    def call(module: Any, *inputs: Any) -> Any:
        return method_of(module, case.method)(*inputs)

    torch_side = TorchSide(torch_ref.registry.build(case.spec), call)
    mlx_side = MlxSide(mlx_impl.registry.build(case.spec), call)
    return Pair(case.name, torch_side, mlx_side, reference=method_of(case.spec, case.method))


def evaluator(backend: str, dtype: str) -> Callable[..., np.ndarray]:
    """The `evaluate` of `lyceum.personas.spec.case` for "reference", "torch" or "mlx".

    It returns a method's outputs as float64.
    """

    def by_torch(spec: Any, parameters: Arrays, method: str, *inputs: np.ndarray) -> np.ndarray:
        precision = getattr(torch, dtype)
        arguments = [torch.tensor(x, dtype=precision if x.dtype.kind == "f" else torch.int64) for x in inputs]
        with torch.no_grad():
            outputs = method_of(torch_module(spec, parameters, precision), method)(*arguments)
        if isinstance(outputs, tuple):
            return tuple(y.double().numpy() for y in outputs)
        return outputs.double().numpy()

    def by_mlx(spec: Any, parameters: Arrays, method: str, *inputs: np.ndarray) -> np.ndarray:
        precision = getattr(mx, dtype)
        with mx.stream(mx.cpu):
            arguments = [mx.array(x, precision) if x.dtype.kind == "f" else mx.array(x) for x in inputs]
            outputs = method_of(mlx_module(spec, parameters, precision), method)(*arguments)
            return tuple(map(as_float64, outputs)) if isinstance(outputs, tuple) else as_float64(outputs)

    def by_reference(spec: Any, parameters: Arrays, method: str, *inputs: np.ndarray) -> np.ndarray:
        return method_of(spec, method)(parameters, *inputs)

    return {"reference": by_reference, "torch": by_torch, "mlx": by_mlx}[backend]
