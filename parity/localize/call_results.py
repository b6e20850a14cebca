"""The results of matched calls: each is repeated in both frameworks on the same inputs and compared as a pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lyceum.rng import stream
from parity.bounds.rounding import UNIT, Deviations, retry_with_more_samples
from parity.compare.pair import Pair
from parity.compare.slope import slope
from parity.compare.usage import single
from parity.compare.verdicts import Oracle, conditioned, variant_verdicts
from parity.localize.calls import Call
from parity.localize.matched_calls import MatchedCalls
from parity.localize.paths import submodule_parameters
from parity.results.localization import CallResult, deciding_verdict
from parity.results.verdict import Verdict
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Point, draw_point
from parity.sides.torch_side import TorchSide
from parity.sides.variants import ORACLE, Variant, variants

VARIANTS = tuple(variants(("float64", "float32")))
WIDE = ("float64", "float32")  # variants that share a point of float32 numbers; the others have one each


class SubmoduleSide(TorchSide):
    """A submodule of a larger module, itself a copy: parameters that a point does not name keep their values."""

    strict = copies = False


def pair_of(models: Pair, point: Point, matched: MatchedCalls) -> tuple[Pair, Point]:
    """A call as a pair by itself, and the point at which it is compared. point: of the models."""
    call, root = matched.mlx, models.torch.called.module
    submodule = root.get_submodule(matched.torch.path)
    names, parameters = submodule_parameters(call.path, submodule, root, models.names, point.parameters)
    theirs = SubmoduleSide(root, matched.call_torch, moved=models.torch.moved)
    sides = theirs, MlxSide(models.mlx.module, matched.call_mlx)
    generator = stream(0, f"forcing/{call}")
    inputs = draw_point(parameters, matched.inputs, matched.torch_outputs(), generator, batched=False)
    return Pair(str(call), *sides, names), inputs


def call_result(
    models: Pair, point: Point, matched: MatchedCalls, chosen: tuple[Variant, ...] = VARIANTS, oracle: bool = False
) -> CallResult:
    """The result of one call, compared as a pair by itself. point: of the models. oracle: see `compare_call`."""
    call = matched.mlx
    if matched.reason:
        return CallResult(call.path, call.method, str(call), {}, matched.missing, matched.reason)
    return compare_call(call, *pair_of(models, point, matched), matched.missing, chosen, oracle)


def compare_call(
    call: Call,
    pair: Pair,
    point: Point,
    missing: tuple[str, ...],
    chosen: tuple[Variant, ...] = VARIANTS,
    oracle: bool = False,
) -> CallResult:
    """The result of a pair: forward and backward, forward alone where there is no gradient, or why neither.

    oracle: whether PyTorch's gradient and the float64 bounds are in question as well, as in `parity.check`.
    """
    stages: dict[str, list[Verdict]] = {"forward": [], "backward": []}
    for dtype, some in by_point(chosen).items():
        for probe in ("gradient", "value"):
            try:
                at = point if dtype == "float32" else point.rounded(dtype)
                verdicts, undecided = probe_verdicts(pair, at, probe, some, dtype, oracle)
            except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
                missing += (f"{probe}: {(str(error) or type(error).__name__).splitlines()[0]}",)
            else:
                missing += tuple(undecided)
                for verdict in verdicts:
                    # A parameter may be called output.weight; no parameter's name has a space.
                    is_output = verdict.what.partition(" ")[0] == "output"
                    stages["forward" if is_output else "backward"].append(verdict)
                break
    deciding = {stage: deciding_verdict(some) for stage, some in stages.items()}
    deciding = {stage: verdict for stage, verdict in deciding.items() if verdict}
    missing = tuple(dict.fromkeys(missing))
    return CallResult(call.path, call.method, str(call), deciding, missing, "" if deciding else "; ".join(missing[-2:]))


def by_point(chosen: Iterable[Variant]) -> dict[str, tuple[Variant, ...]]:
    """{precision of a point's numbers: the variants that are compared there}."""
    groups: dict[str, tuple[Variant, ...]] = {}
    for variant in chosen:
        dtype = "float32" if variant.dtype in WIDE else variant.dtype
        groups[dtype] = (*groups.get(dtype, ()), variant)
    return groups


def probe_verdicts(
    pair: Pair, point: Point, probe: str, chosen: tuple[Variant, ...], dtype: str, oracle: bool
) -> tuple[list[Verdict], list[str]]:
    """(the verdicts on a probe, what is too ill-conditioned to compare in float64, a clause each)."""
    truth = {key: x for key, x in pair.evaluate(ORACLE, probe, point).items() if key[0] != "dtype"}
    results = [(variant, probe, pair.evaluate(variant, probe, point)) for variant in chosen]
    rounded = Deviations(lambda: pair.torch.tensors((probe,), point), UNIT[dtype])

    def verdicts(deviation: dict[tuple[str, str], float]) -> Iterator[Verdict]:
        yield from variant_verdicts(pair, Oracle(truth, {}, deviation), results)

    compared = single(pair, point, retry_with_more_samples(rounded, verdicts))
    if dtype != "float32":
        return compared, []
    bounds = [v for v in conditioned(pair, Oracle(truth, {}, rounded.of(rounded.drawn))) if not v.ok]
    if oracle:
        slopes = [slope(pair, point, truth)] if probe == "gradient" else []
        return [*slopes, *compared, *bounds], []
    return compared, [f"{v.what}: too ill-conditioned to compare in float64" for v in bounds]
