"""The project's own layers as pairs: a case's definition and the namesakes of its specification in both backends."""

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
from parity.compare.compare import compare_pair
from parity.compare.mlx_side import MlxSide, as_float64
from parity.compare.pair import Pair
from parity.compare.test_point import Arrays, Point, draw_point
from parity.compare.torch_side import TorchSide
from parity.compare.trees import leaves
from parity.compare.variants import Variant, variants
from parity.results.verdict import Verdict
from torch_ref.model import load_parameters as load_torch

VARIANTS = tuple(variants(("float64", "float32")))


def check(case: Case, seed: int = 0, variants: tuple[Variant, ...] = VARIANTS) -> Iterator[Verdict]:
    """Every verdict on a case."""
    yield from compare_pair(*pair_and_point(case, seed), variants)


def pair_and_point(case: Case, seed: int = 0) -> tuple[Pair, Point]:
    """A case as a pair and a point: parameters, inputs, cotangents and directions drawn from `seed`."""
    generator, pair = stream(seed, f"parity/{case.name}"), pair_of(case)
    parameters, inputs = case.parameters(generator), case.arguments(generator)
    for side in (pair.torch, pair.mlx):
        if (own := side.parameters()).keys() != parameters.keys():
            raise ValueError(f"{case.name}: {sorted(own.keys() ^ parameters.keys())} stand on one side only")
    outputs = dict(leaves(pair.definition(parameters, *inputs), "output"))
    return pair, draw_point(parameters, inputs, outputs, generator)


def method_of(module: Any, method: str) -> Callable:
    return module if method == "__call__" else getattr(module, method)


def torch_module(spec: Any, parameters: Arrays, dtype: torch.dtype) -> torch.nn.Module:
    """PyTorch's namesake of a specification, with these parameters, in `dtype` on the CPU."""
    module = torch_ref.registry.build(spec).to(dtype)
    load_torch(module, parameters)
    return module


def mlx_module(spec: Any, parameters: Arrays, dtype: mx.Dtype):
    """MLX's namesake of a specification, with these parameters, in `dtype`."""
    module = mlx_impl.registry.build(spec)
    load_mlx(module, parameters, dtype)
    return module


def pair_of(case: Case) -> Pair:
    """A case as a pair: its definition, and the namesakes of its specification in both backends."""
    torch_backend, mlx_backend = torch_ref.registry.build(case.spec), mlx_impl.registry.build(case.spec)

    def call(module: Any, *inputs: Any) -> Any:
        return method_of(module, case.method)(*inputs)

    return Pair(
        case.name,
        TorchSide(torch_backend, call),
        MlxSide(mlx_backend, call),
        definition=method_of(case.spec, case.method),
    )


def evaluator(backend: str, dtype: str) -> Callable[..., np.ndarray]:
    """The `evaluate` of `lyceum.personas.spec.case` for "definition", "torch" or "mlx": a method's outputs as float64."""

    def evaluate(spec: Any, parameters: Arrays, method: str, *inputs: np.ndarray) -> np.ndarray:
        if backend == "definition":
            return method_of(spec, method)(parameters, *inputs)
        if backend == "torch":
            kind = getattr(torch, dtype)
            arguments = [torch.tensor(x, dtype=kind if x.dtype.kind == "f" else torch.int64) for x in inputs]
            with torch.no_grad():
                found = method_of(torch_module(spec, parameters, kind), method)(*arguments)
            return tuple(y.double().numpy() for y in found) if isinstance(found, tuple) else found.double().numpy()
        with mx.stream(mx.cpu):
            kind = getattr(mx, dtype)
            arguments = [mx.array(x, kind) if x.dtype.kind == "f" else mx.array(x) for x in inputs]
            found = method_of(mlx_module(spec, parameters, kind), method)(*arguments)
            return tuple(map(as_float64, found)) if isinstance(found, tuple) else as_float64(found)

    return evaluate
