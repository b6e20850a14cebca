"""`parity.record`: PyTorch's side of a comparison, written to a file.

    parity.record(torch_block, (2, 16, 64), "block.safetensors")        where PyTorch is installed
    parity.check(mlx_block, golden="block.safetensors")                 anywhere

The point is drawn and PyTorch is evaluated and examined as by `parity.check`; its verdicts go into the file and show in
every comparison with it. Bounds are derived now, from as many samples as they need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from os import PathLike
from typing import Any

import numpy as np

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.bounds.units import UNIT
from parity.brief import brief
from parity.compare.attempts import derived, evaluated
from parity.compare.check import precisions, several
from parity.compare.inputs import arguments
from parity.compare.pair import Pair
from parity.compare.pairing import as_loaded, require
from parity.compare.slope import second_slope, slope
from parity.compare.usage import notes, repeatable, single
from parity.compare.verdicts import ORDERS, PROBES, Oracle, applicable, oracle_verdicts, variant_verdicts
from parity.compare.verdicts import dtypes as output_dtypes
from parity.compare.weights import valued
from parity.golden.file import Header, encoded, write
from parity.mapping.ignored import Ignored
from parity.results.findings import Findings
from parity.results.verdict import Verdict
from parity.sides.test_point import Arrays, Point, draw_point, enumerate_leaves
from parity.sides.torch_side import TorchSide
from parity.sides.trees import from_torch
from parity.sides.variants import ORACLE, Variant, variants


@brief
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
    the module has. Its buffers are never moved: which of them MLX holds is not known yet. path: of the file,
    safetensors. Returns the verdicts on PyTorch alone: whether its gradient is its slope, whether its variants agree,
    whether the point is well-conditioned. Raises UsageError.
    """
    require(torch, from_torch(torch, "nn.Module"), "torch")
    if hasattr(inputs, "example") and hasattr(inputs, "validate"):
        raise UsageError("inputs is a hypothesis strategy, and a golden file has one point: describe one input.")
    theirs = TorchSide(torch, torch_call, Ignored(ignore))
    pair = Pair(name or getattr(torch, "__name__", type(torch).__name__), theirs, None)
    dtypes, probes = precisions(dtypes), several(probes, "probes")
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
    arrays, deviations, outputs, verdicts = described(point, theirs.buffers()), {}, {}, []
    existing, computed = applicable(point, probes), {}
    for dtype, some in groups(dtypes, chosen).items():
        at = point if dtype == "float32" else point.rounded(dtype)
        asked = existing if dtype == "float32" else tuple(probe for probe in existing if probe == "gradient")
        here = answers(pair, at, some, asked, dtype, first=not verdicts)
        arrays |= {f"truth/{dtype}/{probe}/{key}": x for (probe, key), x in here.oracle.truth.items()}
        deviations[dtype] = [[probe, key, x] for (probe, key), x in here.oracle.deviation.items()]
        outputs |= here.outputs
        computed[dtype] = [probe for probe in asked if probe not in here.refused]
        verdicts += here.verdicts
    verdicts = single(pair, point, verdicts)
    header = Header(
        pair.name, {"torch": version("torch"), "numpy": version("numpy")}, list(dtypes), list(probes), computed,
        point.batched, [encoded(tree, f"input {i}") for i, tree in enumerate(given)], deviations,
        theirs.stored()[0], sorted(theirs.stored()[1]), outputs, theirs.narrow(), sorted(theirs.constants()),
        [v.record() for v in verdicts],
        [v.record() for v in theirs.left_out.verdicts(pair.name)],
    )  # fmt: skip
    write(path, header, arrays)
    return Findings(pair.name, tuple(verdicts), (), tuple(notes(verdicts)), theirs.left_out.verdicts(pair.name))


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


@dataclass(frozen=True)
class Answers:
    """oracle: PyTorch's answers and their bounds. refused: probes that it cannot compute. outputs: the dtypes of its
    outputs, by precision and name. verdicts: on PyTorch.
    """

    oracle: Oracle
    refused: tuple[str, ...]
    outputs: dict[str, dict[str, str]]
    verdicts: list[Verdict]


def answers(
    pair: Pair, point: Point, chosen: tuple[Variant, ...], probes: tuple[str, ...], dtype: str, first: bool
) -> Answers:
    """PyTorch's answers at a point in numbers of `dtype`; first: whether to check the oracle as well."""
    rounded, refused = derived(pair, point, tuple(probe for probe in probes if probe in ORDERS), UNIT[dtype])
    unable = tuple(verdict.what for verdict in refused)
    probes = tuple(probe for probe in probes if probe not in unable)
    truth = {key: x.detach().double().numpy() for key, x in rounded.exact.items()}
    oracle = Oracle(truth, {}, rounded.of(rounded.enough))
    results = list(evaluated(pair, point, (ORACLE, *chosen) if first else chosen, probes))

    def verdicts() -> Iterator[Verdict]:
        yield from refused
        if first and "gradient" in probes:
            yield slope(pair, point, truth)
        if first and "second" in probes:
            yield second_slope(pair, point, truth)
        if first:
            yield from oracle_verdicts(pair, oracle)
        yield from variant_verdicts(pair, oracle, results)

    outputs = {variant.dtype: output_dtypes(variant, results) for variant in chosen}
    return Answers(oracle, unable, outputs, list(verdicts()))
