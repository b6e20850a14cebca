"""`parity.record`: PyTorch's side of a comparison, written to a file.

    parity.record(torch_block, (2, 16, 64), "block.safetensors")        where PyTorch is installed
    parity.check(mlx_block, golden="block.safetensors")                 anywhere

The point is drawn and PyTorch is evaluated and examined as by `parity.check`; its verdicts go into the file and show in
every comparison with it. Bounds are derived now, from as many samples as they need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from os import PathLike
from typing import Any

import numpy as np

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.bounds.rounding import UNIT, Deviations
from parity.compare.check import as_loaded, require, several, valued
from parity.compare.inputs import arguments
from parity.compare.pair import Pair
from parity.compare.slope import slope
from parity.compare.test_point import Arrays, Point, draw_point, enumerate_leaves
from parity.compare.torch_side import TorchSide
from parity.compare.trees import from_torch
from parity.compare.usage import repeatable
from parity.compare.variants import ORACLE, Variant, variants
from parity.compare.verdicts import (
    ORDERS,
    PROBES,
    Oracle,
    applicable,
    evaluated,
    oracle_verdicts,
    variant_verdicts,
)
from parity.golden.file import Header, encoded, write
from parity.mapping.ignored import Ignored
from parity.results.findings import Findings
from parity.results.verdict import Verdict


def record(
    torch: Any,
    inputs: Any,
    path: str | PathLike,
    *,
    torch_call: Callable | None = None,
    parameters: Arrays | str | None = None,
    ignore: Mapping[str, str] | None = None,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    probes: tuple[str, ...] = PROBES,
    batched: bool | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Findings:
    """Write values, gradients and derived bounds of a PyTorch module or function to a golden file.

    Arguments as of `parity.check`, of which inputs may not be a hypothesis strategy; parameters "loaded": those that
    the module has. path: of the file, safetensors. Returns the verdicts on PyTorch alone: whether its gradient is its
    slope, whether its variants agree, whether the point is well-conditioned. Raises UsageError.
    """
    require(torch, from_torch(torch, "nn.Module"), "torch")
    if hasattr(inputs, "example") and hasattr(inputs, "validate"):
        raise UsageError("inputs is a hypothesis strategy, and a golden file has one point: describe one input.")
    theirs = TorchSide(torch, torch_call, Ignored(ignore))
    pair = Pair(name or getattr(torch, "__name__", type(torch).__name__), theirs, None)
    dtypes, probes = several(dtypes, "dtypes"), several(probes, "probes")
    chosen = [v for v in variants(dtypes) if v.backend == "torch"]
    if as_loaded(parameters):
        parameters = theirs.parameters()
    generator = stream(seed, f"parity/{pair.name}")
    values = valued(pair, parameters, generator)
    given = arguments(inputs, generator)
    outputs = repeatable(pair, ORACLE, Point(values, given, {}, {}))
    theirs.left_out.require_use(of_outputs=True)
    alone = batched if batched is not None else len(given) == 1 and from_torch(torch, "nn.Module")
    point = draw_point(values, given, outputs, generator, alone)
    arrays, deviations, verdicts = described(point, theirs.buffers()), {}, []
    existing = applicable(point, probes)
    for dtype, some in groups(dtypes, chosen).items():
        at = point if dtype == "float32" else point.rounded(dtype)
        some_probes = existing if dtype == "float32" else ("gradient",)
        oracle, compared = answers(pair, at, some, some_probes, dtype, first=not verdicts)
        arrays |= {f"truth/{dtype}/{probe}/{key}": x for (probe, key), x in oracle.truth.items()}
        deviations[dtype] = [[probe, key, x] for (probe, key), x in oracle.deviation.items()]
        verdicts += compared
    header = Header(
        pair.name, {"torch": version("torch"), "numpy": version("numpy")}, list(dtypes), list(probes), list(existing),
        point.batched, [encoded(tree, f"input {i}") for i, tree in enumerate(given)], deviations,
        theirs.stored()[0], sorted(theirs.stored()[1]), [v.record() for v in verdicts],
        [v.record() for v in theirs.left_out.verdicts(pair.name)],
    )  # fmt: skip
    write(path, header, arrays)
    return Findings(pair.name, tuple(verdicts), ignored=theirs.left_out.verdicts(pair.name))


def groups(dtypes: tuple[str, ...], chosen: list[Variant]) -> dict[str, tuple[Variant, ...]]:
    """{precision of the numbers of a point: PyTorch's variants there}: float64 shares float32's."""
    homes = {dtype: "float32" if dtype == "float64" else dtype for dtype in dtypes}
    return {home: tuple(v for v in chosen if homes[v.dtype] == home) for home in dict.fromkeys(homes.values())}


def described(point: Point, buffers: Arrays) -> Arrays:
    """The arrays of a point and of the buffers, by their names in the file."""
    arrays = {f"input/{name}": x for name, x in enumerate_leaves(point.inputs)}
    for what, some in (
        ("parameter", point.parameters),
        ("cotangent", point.cotangents),
        ("direction", point.directions),
    ):
        arrays |= {f"{what}/{name}": x for name, x in some.items()}
    narrow = {key: x.astype(np.float32) if x.dtype.kind == "f" else x for key, x in arrays.items()}
    return narrow | {f"buffer/{name}": x for name, x in buffers.items()}


def answers(
    pair: Pair, point: Point, chosen: tuple[Variant, ...], probes: tuple[str, ...], dtype: str, first: bool
) -> tuple[Oracle, list[Verdict]]:
    """(PyTorch's answers and their bounds, the verdicts on PyTorch); first: whether to check the oracle as well."""
    orders = tuple(probe for probe in probes if probe in ORDERS)
    rounded = Deviations(lambda: pair.torch.tensors(orders, point), UNIT[dtype])
    truth = {key: x.detach().double().numpy() for key, x in rounded.exact.items()}
    oracle = Oracle(truth, {}, rounded.of(rounded.enough))

    def verdicts() -> Iterator[Verdict]:
        if first:
            yield slope(pair, point, truth)
            yield from oracle_verdicts(pair, oracle)
        results = list(evaluated(pair, point, (ORACLE, *chosen) if first else chosen, probes))
        yield from variant_verdicts(pair, oracle, results)

    return oracle, list(verdicts())
