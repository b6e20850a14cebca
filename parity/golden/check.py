"""An MLX module against a golden file, without PyTorch: `parity.check(mlx_module, golden=FILE)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import Any

from mlx import nn as mlx_nn

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.compare.attempts import evaluated
from parity.compare.check import precisions, several
from parity.compare.pair import Pair
from parity.compare.pairing import as_loaded, derived, joined, require
from parity.compare.usage import deterministic, notes, single
from parity.compare.verdicts import Oracle, variant_verdicts
from parity.compare.weights import weighted
from parity.golden.file import AGAIN
from parity.golden.side import GoldenSide
from parity.mapping.ignored import Ignored
from parity.results.findings import Findings
from parity.results.verdict import Verdict
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Point
from parity.sides.variants import Variant, variants


def refuse(**given: Any) -> None:
    """Raise UsageError if an argument is given that a golden file brings."""
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"a golden file brings {name}: leave {name} out, or {AGAIN}.")


def check_golden(
    mlx: Any,
    path: str | PathLike,
    names: Any,
    mlx_call: Callable | None,
    parameters: str | None,
    ignore: Mapping[str, str] | None,
    dtypes: tuple[str, ...],
    compiled: tuple[str, ...],
    everywhere: bool,
    probes: tuple[str, ...],
    name: str | None,
) -> Findings:
    """The verdicts on MLX's variants, after those on PyTorch's that were recorded; arguments as of `parity.check`."""
    require(mlx, isinstance(mlx, mlx_nn.Module), "mlx")
    loaded = as_loaded(parameters)
    if not loaded and parameters is not None:
        raise UsageError('a golden file brings PyTorch\'s parameters: leave parameters out, or say "loaded".')
    left_out = Ignored(ignore)
    theirs, ours = GoldenSide(path, left_out), MlxSide(mlx, mlx_call, left_out)
    dtypes, probes, compiled = precisions(dtypes), several(probes, "probes"), several(compiled, "compiled")
    recorded(path, "dtypes", dtypes, theirs.header.dtypes)
    recorded(path, "probes", probes, theirs.header.asked)
    chosen = tuple(v for v in variants(dtypes, compiled, everywhere) if v.backend == "mlx")
    pair = joined(name or theirs.header.name, ours, theirs, derived(names, mlx, parameters))
    point, weights = theirs.point(), []
    if loaded:
        pair, _, weights = weighted(pair, parameters, stream(0, "parity-golden"))
    deterministic(pair, point)
    left_out.require_use(of_outputs=True)
    verdicts = [*weights, *single(pair, point, list(compared(pair, point, chosen, probes)))]
    ignored = (*restored(theirs.header.ignored, pair), *left_out.verdicts(pair.name))
    described = tuple(pair.names.described())
    verdicts = (*restored(theirs.header.verdicts, pair), *verdicts)
    return Findings(pair.name, verdicts, described, tuple(notes(verdicts)), ignored)


def recorded(path: str | PathLike, what: str, asked: tuple[str, ...], available: list[str]) -> None:
    """Raise UsageError if something is asked for that a file does not have."""
    for word in asked:
        if word not in available:
            has = ", ".join(map(repr, available))
            raise UsageError(f"{path} was recorded without {word!r}: say {what}=({has},), or {AGAIN}.")


def compared(pair: Pair, point: Point, chosen: tuple[Variant, ...], probes: tuple[str, ...]) -> Iterator[Verdict]:
    """The verdicts on MLX's variants, each at the point in the numbers of its precision."""
    homes = {variant: "float32" if variant.dtype == "float64" else variant.dtype for variant in chosen}
    for home in dict.fromkeys(homes.values()):
        oracle = Oracle(pair.torch.truth(home), {}, pair.torch.deviations(home))
        some = tuple(variant for variant in chosen if homes[variant] == home)
        at = point if home == "float32" else point.rounded(home)
        asked = tuple(probe for probe in probes if probe in pair.torch.header.probes[home])
        results = list(evaluated(pair, at, some, asked))
        yield from variant_verdicts(pair, oracle, results, pair.torch.header.outputs)


def restored(records: list[dict], pair: Pair) -> tuple[Verdict, ...]:
    """The verdicts of records, under the pair's name."""
    drop = ("record", "ok", "case", "where")
    return tuple(
        Verdict(case=pair.name, where=tuple(r["where"]), **{k: x for k, x in r.items() if k not in drop})
        for r in records
    )
