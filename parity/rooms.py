"""The project's own layers as pairs: a case's definition and the namesakes of its specification in both wings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx
import numpy as np
import torch

import mlx_impl.model
import torch_ref.model
from corpus.chance import stream
from mlx_impl.model import load_parameters as load_mlx
from parity.judge import judge
from parity.legs import Leg, legs
from parity.mlx_side import MlxSide, as_float64
from parity.pair import Pair
from parity.problem import Arrays, Problem, pose
from parity.torch_side import TorchSide
from parity.trees import leaves
from parity.verdict import Verdict
from personas.case import Case
from torch_ref.model import load_parameters as load_torch

LEGS = tuple(legs(("float64", "float32")))


def check(case: Case, seed: int = 0, legs: tuple[Leg, ...] = LEGS) -> Iterator[Verdict]:
    """Every verdict on a case."""
    yield from judge(*posed(case, seed), legs)


def posed(case: Case, seed: int = 0) -> tuple[Pair, Problem]:
    """A case as a pair and a problem: parameters, inputs, cotangents and directions drawn from `seed`."""
    generator, pair = stream(seed, f"parity/{case.name}"), pair_of(case)
    parameters, inputs = case.parameters(generator), case.arguments(generator)
    for side in (pair.torch, pair.mlx):
        if (own := side.parameters()).keys() != parameters.keys():
            raise ValueError(f"{case.name}: {sorted(own.keys() ^ parameters.keys())} stand on one side only")
    outputs = dict(leaves(pair.definition(parameters, *inputs), "output"))
    return pair, pose(parameters, inputs, outputs, generator)


def method_of(module: Any, method: str) -> Callable:
    return module if method == "__call__" else getattr(module, method)


def torch_module(spec: Any, parameters: Arrays, dtype: torch.dtype) -> torch.nn.Module:
    """PyTorch's namesake of a specification, with these parameters, in `dtype` on the CPU."""
    module = torch_ref.model.build(spec).to(dtype)
    load_torch(module, parameters)
    return module


def mlx_module(spec: Any, parameters: Arrays, dtype: mx.Dtype):
    """MLX's namesake of a specification, with these parameters, in `dtype`."""
    module = mlx_impl.model.build(spec)
    load_mlx(module, parameters, dtype)
    return module


def pair_of(case: Case) -> Pair:
    """A case as a pair: its definition, and the namesakes of its specification in both wings."""
    torch_wing, mlx_wing = torch_ref.model.build(case.spec), mlx_impl.model.build(case.spec)

    def call(module: Any, *inputs: Any) -> Any:
        return method_of(module, case.method)(*inputs)

    return Pair(
        case.name, TorchSide(torch_wing, call), MlxSide(mlx_wing, call), definition=method_of(case.spec, case.method)
    )


def evaluator(wing: str, dtype: str) -> Callable[..., np.ndarray]:
    """The `evaluate` of `personas.case` for "definition", "torch" or "mlx": a method's outputs as float64."""

    def evaluate(spec: Any, parameters: Arrays, method: str, *inputs: np.ndarray) -> np.ndarray:
        if wing == "definition":
            return method_of(spec, method)(parameters, *inputs)
        if wing == "torch":
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
