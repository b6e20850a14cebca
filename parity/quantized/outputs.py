"""What MLX computes with quantized weights, against what PyTorch's float64 computes with the decoded ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import torch as pytorch

from lyceum.contract import UsageError
from lyceum.personas.spec.case import representable
from parity.bounds.envelope import decided
from parity.bounds.rounding import UNIT, Deviations, allowance, retry_with_more_samples
from parity.compare.attempts import reason
from parity.float64 import exact
from parity.mapping.names import Names
from parity.quantized.layers import Layer
from parity.results.verdict import Verdict, compare, limited, magnitude
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Arrays, Point
from parity.sides.torch_side import TorchSide
from parity.sides.variants import Variant


def evaluated(side: MlxSide, point: Point, variant: Variant) -> Arrays:
    with exact() if variant.dtype == "float64" else nullcontext():
        values = side.evaluate("value", point, variant)
        return {name.removeprefix("output "): y for (probe, name), y in values.items() if probe == "value"}


def against(
    case: str,
    where: str,
    variant: Variant,
    compute: Callable[[], Arrays],
    defined: Callable[[], dict[str, pytorch.Tensor]],
) -> list[Verdict]:
    """What MLX computes in one variant, against what PyTorch's float64 does with decoded weights."""
    try:
        got = compute()
    except (RuntimeError, ValueError, NotImplementedError) as error:
        return [limited(case, str(variant), where, reason("mlx", error))]
    rounded = Deviations(defined, UNIT["float32" if variant.dtype == "float64" else variant.dtype])
    shapes = [{key: tuple(y.shape) for key, y in outputs.items()} for outputs in (rounded.exact, got)]
    if shapes[0] != shapes[1]:
        theirs, ours = (", ".join(f"{key} {shape}" for key, shape in outputs.items()) for outputs in shapes)
        raise UsageError(
            f"{case}: the outputs of {where} differ, PyTorch's {theirs}, MLX's {ours}: make them the same with "
            "torch_call or mlx_call."
        )

    def verdicts(deviation: dict[str, float]) -> Iterator[Verdict]:
        for key, expected in rounded.exact.items():
            bound, words = allowance(deviation[key], variant.dtype)
            truth = expected.detach().numpy()
            verdict = compare(case, str(variant), f"{where}, {key}", got[key], truth, bound, words)
            yield decided(verdict, magnitude(truth), "the output is no larger")

    return retry_with_more_samples(rounded, verdicts)


def modelled(
    case: str, theirs: TorchSide, ours: MlxSide, layers: list[Layer], matched: Names, given: tuple, dtype: str
) -> list[Verdict]:
    """MLX's model against PyTorch's, to which the decoded weights are given; all other parameters are PyTorch's."""
    variant = Variant("mlx", dtype)
    stored = Point(ours.parameters(), given, {}, {}).rounded(dtype).parameters
    rounded = Point({key: representable(x) for key, x in theirs.parameters().items()}, given, {}, {}).rounded(dtype)
    values = matched.to_mlx(theirs.buffers() | rounded.parameters)
    for layer in layers:
        prefix = layer.name.removesuffix("weight")
        pair = (stored.get(prefix + key) for key in ("scales", "biases"))
        values[layer.name] = layer.decoded(*pair) if layer.affine else layer.decoded()
    point = replace(rounded, parameters=decoded_in(matched, values, rounded.parameters))
    plain = {key: x for key, x in values.items() if key in stored}
    mine = replace(rounded, parameters=stored | plain)

    def defined() -> dict[str, pytorch.Tensor]:
        return {name: y for (_, name), y in theirs.tensors(("value",), point).items()}

    return against(case, "the model", variant, lambda: evaluated(ours, mine, variant), defined)


def decoded_in(matched: Names, values: Arrays, before: Arrays) -> Arrays:
    """PyTorch's parameters, each entry of which is that of the MLX parameter made of it."""
    after = {key: x.copy() for key, x in before.items()}
    for name, value in values.items():
        # Where an entry goes: the value, and how often it is used, carried as gradients are.
        counts = matched.scattered(name, np.ones(value.shape))
        for leaf, total in matched.scattered(name, value).items():
            if leaf in after:
                used = counts[leaf] > 0
                after[leaf][used] = total[used] / counts[leaf][used]
    return after
