"""One case, computed by the definition, by PyTorch or by MLX: outputs and every gradient, as NumPy arrays.

Gradients are taken against one random cotangent c: of <f(x, p), c> in every floating input and every parameter. A sum
(c = 1) would hide permuted outputs and vanish on softmaxes; a random c weighs every output differently, so that with
probability one a wrong entry of the Jacobian shows.

`run_torch` and `run_mlx` return {"output": y, "input 0": dy/dx0, ..., "<parameter>": dy/dp}. A gradient that is absent
in PyTorch and zero in MLX (a parameter the method does not read) is reported by neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx
import numpy as np
import torch
from mlx.utils import tree_flatten

import mlx_impl.model
import torch_ref.model
from mlx_impl.model import load_parameters as load_mlx
from torch_ref.model import load_parameters as load_torch

Arrays = dict[str, np.ndarray]


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


def torch_tensors(module: torch.nn.Module, method: str, inputs: tuple[np.ndarray, ...], cotangent: np.ndarray):
    """The output and gradients of a PyTorch module as tensors by name, in the module's own precision."""
    parameters = dict(module.named_parameters())
    dtype = next(iter(parameters.values())).dtype
    arguments = [
        torch.tensor(x, dtype=dtype, requires_grad=True) if x.dtype.kind == "f" else torch.tensor(x, dtype=torch.int64)
        for x in inputs
    ]
    output = method_of(module, method)(*arguments)
    floating = {f"input {i}": x for i, x in enumerate(arguments) if x.requires_grad}
    leaves = floating | parameters
    gradients = torch.autograd.grad(
        output, list(leaves.values()), torch.tensor(cotangent, dtype=dtype), allow_unused=True
    )
    named = {name: g for name, g in zip(leaves, gradients, strict=True) if g is not None}
    return {"output": output.detach()} | named


def run_torch(spec: Any, method: str, parameters: Arrays, inputs: tuple, cotangent: np.ndarray, dtype: str) -> Arrays:
    """The case in PyTorch, in "float32" or "float64", on the CPU; results as float64."""
    module = torch_module(spec, parameters, getattr(torch, dtype))
    tensors = torch_tensors(module, method, inputs, cotangent)
    return {name: tensor.double().numpy() for name, tensor in tensors.items()}


def run_mlx(spec: Any, method: str, parameters: Arrays, inputs: tuple, cotangent: np.ndarray, dtype: str) -> Arrays:
    """The case in MLX, in "float32" or "float64", on the CPU; results as float64."""
    with mx.stream(mx.cpu):
        kind = getattr(mx, dtype)
        module = mlx_module(spec, parameters, kind)
        floating = {f"input {i}": mx.array(x, kind) for i, x in enumerate(inputs) if x.dtype.kind == "f"}
        fixed = {f"input {i}": mx.array(x) for i, x in enumerate(inputs) if x.dtype.kind != "f"}

        def output(leaves: dict, tree: dict) -> mx.array:
            module.update(tree)
            arguments = fixed | leaves
            return method_of(module, method)(*(arguments[f"input {i}"] for i in range(len(inputs))))

        def paired(leaves: dict, tree: dict) -> tuple[mx.array, mx.array]:
            y = output(leaves, tree)
            return (y * mx.array(cotangent, kind)).sum(), y

        tree = module.trainable_parameters()
        (_, y), gradients = mx.value_and_grad(paired, argnums=(0, 1))(floating, tree)
        named = gradients[0] | dict(tree_flatten(gradients[1]))
        return {"output": as_float64(y)} | {name: as_float64(g) for name, g in named.items()}


def as_float64(x: mx.array) -> np.ndarray:
    """An MLX array as NumPy float64; NumPy has no bfloat16, so low precisions pass through float32."""
    wide = x if x.dtype in (mx.float32, mx.float64) else x.astype(mx.float32)
    return np.array(wide).astype(np.float64)


def evaluator(wing: str, dtype: str) -> Callable[..., np.ndarray]:
    """The `evaluate` of `personas.case` for "definition", "torch" or "mlx": a method's output as float64."""

    def evaluate(spec: Any, parameters: Arrays, method: str, *inputs: np.ndarray) -> np.ndarray:
        if wing == "definition":
            return method_of(spec, method)(parameters, *inputs)
        if wing == "torch":
            kind = getattr(torch, dtype)
            arguments = [torch.tensor(x, dtype=kind if x.dtype.kind == "f" else torch.int64) for x in inputs]
            with torch.no_grad():
                return method_of(torch_module(spec, parameters, kind), method)(*arguments).double().numpy()
        with mx.stream(mx.cpu):
            kind = getattr(mx, dtype)
            arguments = [mx.array(x, kind) if x.dtype.kind == "f" else mx.array(x) for x in inputs]
            return as_float64(method_of(mlx_module(spec, parameters, kind), method)(*arguments))

    return evaluate
