"""The results of matched calls: each is repeated in both frameworks on the same inputs and compared as a pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lyceum.rng import stream
from parity.bounds.rounding import Deviations, retry_with_more_samples
from parity.compare.pair import Pair
from parity.compare.verdicts import Oracle, against, conditioned
from parity.localize.calls import ROOT, Call
from parity.localize.matched_calls import MatchedCalls
from parity.localize.paths import submodule_parameters
from parity.results.localization import CallResult, deciding_verdict
from parity.results.verdict import Verdict
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Point, draw_point
from parity.sides.torch_side import TorchSide
from parity.sides.variants import ORACLE, variants

VARIANTS = tuple(variants(("float64", "float32")))


class SubmoduleSide(TorchSide):
    """A submodule of a larger module: parameters that a point does not name keep their values."""

    strict = False


def call_results(models: Pair, point: Point, calls: Iterable[MatchedCalls]) -> Iterator[CallResult]:
    """The result of each call, computed when it is asked for; the last one is that of the models as they are used."""
    for matched in calls:
        yield call_result(models, point, matched)
    yield compare_call(ROOT, models, point, ())


def call_result(models: Pair, point: Point, matched: MatchedCalls) -> CallResult:
    """The result of one call, compared as a pair by itself. point: of the models."""
    call, root = matched.mlx, models.torch.called.module
    if matched.reason:
        return CallResult(call.path, call.method, str(call), {}, matched.missing, matched.reason)
    submodule = root.get_submodule(matched.torch.path)
    names, parameters = submodule_parameters(call.path, submodule, root, models.names, point.parameters)
    sides = SubmoduleSide(root, matched.call_torch, models.torch.moved), MlxSide(models.mlx.module, matched.call_mlx)
    generator = stream(0, f"forcing/{call}")
    inputs = draw_point(parameters, matched.inputs, matched.torch_outputs(), generator, batched=False)
    return compare_call(call, Pair(str(call), *sides, names), inputs, matched.missing)


def compare_call(call: Call, pair: Pair, point: Point, missing: tuple[str, ...]) -> CallResult:
    """The result of a pair: forward and backward, forward alone where there is no gradient, or why neither."""
    for probe in ("gradient", "value"):
        try:
            verdicts, undecided = probe_verdicts(pair, point, probe)
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            missing += (f"{probe}: {(str(error) or type(error).__name__).splitlines()[0]}",)
        else:
            stages = {"forward": [], "backward": []}
            for verdict in verdicts:
                # A parameter may be called output.weight; no parameter's name has a space.
                is_output = verdict.what.partition(" ")[0] == "output"
                stages["forward" if is_output else "backward"].append(verdict)
            deciding = {stage: deciding_verdict(some) for stage, some in stages.items()}
            deciding = {stage: verdict for stage, verdict in deciding.items() if verdict}
            return CallResult(call.path, call.method, str(call), deciding, (*missing, *undecided))
    return CallResult(call.path, call.method, str(call), {}, missing, "; ".join(missing[-2:]))


def probe_verdicts(pair: Pair, point: Point, probe: str) -> tuple[list[Verdict], list[str]]:
    """(the verdicts on a probe, what is too ill-conditioned to compare in float64, a clause each)."""
    truth = {key: x for key, x in pair.evaluate(ORACLE, probe, point).items() if key[0] != "dtype"}
    values = {variant: pair.evaluate(variant, probe, point) for variant in VARIANTS}
    rounded = Deviations(lambda: pair.torch.tensors((probe,), point))

    def verdicts(deviation: dict[tuple[str, str], float]) -> Iterator[Verdict]:
        for variant in VARIANTS:
            yield from against(pair.name, variant, probe, values[variant], truth, deviation)

    compared = retry_with_more_samples(rounded, verdicts)
    bounds = conditioned(pair, Oracle(truth, {}, rounded.of(rounded.drawn)))
    return compared, [f"{v.what}: too ill-conditioned to compare in float64" for v in bounds if not v.ok]
