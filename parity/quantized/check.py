"""`parity.check_quantized`: do the quantized layers of an MLX model compute with the weights that their bits encode?

    mlx.nn.quantize(mlx_model, group_size=32, bits=4)
    parity.check_quantized(mlx_model, torch_model, inputs=parity.integers((2, 9), below=97))

Three questions, each of which has an exact answer in float64:

    codes      is every decoded weight within half a step of PyTorch's, which was quantized? Another group size or
               order of bits, exchanged scales or a transposed matrix exceed it
    product    is a layer the product with its decoded weight, and an embedding its rows?
    model      does the model compute what PyTorch's does with the decoded weights? (if `inputs` are given)

Codes are compared with their step, products and outputs with the deviation under random rounding of decoding and
product (`parity.bounds.rounding`). MLX refuses quantized products in float64; the exact mode decodes the bits by their
definition (`parity.float64.quantized`), so that the layer's Python code is compared there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch as pytorch
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from lyceum.contract import UsageError
from lyceum.personas.spec.case import representable
from lyceum.rng import stream
from parity.compare.check import precisions
from parity.compare.inputs import arguments
from parity.generation.cached import is_of_transformers, transformers_scores
from parity.mapping.names import match
from parity.quantized.layers import Layer, quantized_layers, shapes
from parity.quantized.outputs import against, evaluated, modelled
from parity.results.findings import Findings
from parity.results.verdict import Verdict, limited, magnitude
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Arrays, Point
from parity.sides.torch_side import TorchSide
from parity.sides.variants import Variant

ROWS = 5  # of the random inputs of a product


def check_quantized(
    mlx: mlx_nn.Module,
    torch: torch_nn.Module | None = None,
    inputs: Any = None,
    *,
    names: Any = None,
    mlx_call: Callable | None = None,
    torch_call: Callable | None = None,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    seed: int = 0,
    name: str | None = None,
) -> Findings:
    """Compare the quantized layers of an MLX model with their decoded weights; a verdict a layer, question, precision.

    mlx: a module with quantized layers, with the weights that it holds. torch: the model whose weights were quantized,
        None to compare products alone. inputs, names, mlx_call, torch_call: as in `parity.check`, for the two models.
    dtypes: of float64, float32, bfloat16, float16.

    Raises UsageError, one sentence: no quantized layer, bits and groups that do not fit, names that do not match.
    """
    if not isinstance(mlx, mlx_nn.Module):
        raise UsageError(f"mlx is of {type(mlx)}: give an object of mlx.nn.Module.")
    layers = quantized_layers(mlx)
    case, generator = f"quantized: {name or type(mlx).__name__}", stream(seed, "parity/quantized")
    decoded = {layer.name: layer.decoded() for layer in layers}
    verdicts: list[Verdict] = []
    described: list[str] = []
    if torch is not None:
        known = transformers_scores if is_of_transformers(torch) else None
        theirs = TorchSide(torch, torch_call or known)
        ours = MlxSide(mlx, mlx_call)
        arrays = {key: x.shape for key, x in theirs.parameters().items()}
        buffers = {key: x.shape for key, x in theirs.buffers().items()}
        matched = match(shapes(ours.parameters(), layers, decoded), arrays, names, buffers)
        described = matched.described()
        verdicts += coded(case, layers, decoded, matched.to_mlx(theirs.buffers() | theirs.parameters()))
    for dtype in precisions(dtypes):
        for layer in layers:
            verdicts += product(case, layer, dtype, generator)
        if torch is not None and inputs is not None:
            given = arguments(inputs, generator)
            verdicts += modelled(case, theirs, ours, layers, matched, given, dtype)
    return Findings(case, tuple(verdicts), tuple(described))


def coded(case: str, layers: list[Layer], decoded: Arrays, originals: Arrays) -> Iterator[Verdict]:
    """One verdict a layer: the decoded weight that uses up most of its step."""
    for layer in layers:
        if not layer.affine:
            words = "its numbers are not evenly apart, so that there is no step"
            yield limited(case, "mlx codes", layer.name, words)
            continue
        got, expected, allowed = decoded[layer.name], originals[layer.name], layer.steps()
        share = np.abs(got - expected) / np.maximum(allowed, np.finfo(float).tiny)
        at = np.unravel_index(share.argmax(), share.shape)
        group = at[-1] // layer.module.group_size
        words = f"half a step of group {group}, which is {layer.module.bits} bits of {layer.module.group_size} weights"
        error, values = float(np.abs(got - expected)[at]), (float(expected[at]), float(got[at]))
        where = tuple(int(i) for i in at)
        bound = float(allowed[at])
        yield Verdict(case, "mlx codes", layer.name, error, bound, magnitude(expected), where, *values, words)


def product(case: str, layer: Layer, dtype: str, generator: np.random.Generator) -> list[Verdict]:
    """The layer on random inputs, against the product with its decoded weight."""
    module, variant = layer.module, Variant("mlx", dtype)
    shape = layer.codes().shape
    if len(shape) != 2:
        return [limited(case, str(variant), layer.path, "it is a stack of matrices, compared within the model alone")]
    x = representable(generator.normal(size=(ROWS, shape[1])))
    embeds = hasattr(module, "as_linear")
    rows = generator.integers(0, shape[0], ROWS)

    def call(module: mlx_nn.Module, x: Any, rows: Any) -> dict[str, Any]:
        return {"rows": module(rows), "product": module.as_linear(x)} if embeds else {"product": module(x)}

    side = MlxSide(module, call)
    point = Point(side.parameters(), (x, rows), {}, {}).rounded(dtype)
    encoded = pytorch.tensor(layer.codes()).unflatten(-1, (-1, module.group_size))

    def defined() -> dict[str, pytorch.Tensor]:
        parameters = {key: pytorch.tensor(value)[..., None] for key, value in point.parameters.items()}
        if layer.affine:
            weight = (encoded * parameters["scales"] + parameters["biases"]).flatten(-2)
        else:
            weight = pytorch.tensor(layer.decoded())
        y = pytorch.tensor(point.inputs[0]) @ weight.mT
        bias = parameters.get("bias")
        outputs = {"product": y if bias is None else y + bias[..., 0]}
        return outputs | ({"rows": weight[pytorch.tensor(rows)]} if embeds else {})

    return against(case, layer.path, variant, lambda: evaluated(side, point, variant), defined)
