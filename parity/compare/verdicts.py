"""The verdicts on one pair at one point, variant by variant: values, gradients, jvp, second order, batch against loop.

The oracle is float64: the reference for values (PyTorch where there is none), PyTorch for derivatives. That its
gradient is the function's is itself checked, along one random direction v, by

    <grad, v> = d/dh <f(theta + h v), c>  at h = 0,

with a central difference refined by Richardson's extrapolation (`slope`). One random direction suffices: two different
linear forms agree on it with probability zero.

Every variant is then compared with the oracle. Bounds come from `parity.bounds.rounding`. In float64 the bound must
moreover stay under 1e-10 of the scale, so that a case so ill-conditioned that it would excuse a real difference fails.
What a framework cannot compute (a second derivative that MLX lacks, say) is recorded as a limitation, not passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from parity.bounds.units import UNIT, allowance
from parity.compare.attempts import derived, evaluated
from parity.compare.pair import Pair
from parity.compare.slope import second_slope, slope
from parity.results.verdict import AGREEMENT, Verdict, compare, limited, magnitude
from parity.sides.test_point import Point, Values
from parity.sides.trees import leaves, real
from parity.sides.variants import ORACLE, Variant

ORDERS = ("gradient", "jvp", "second")
PROBES = ("gradient", "jvp", "second", "looped", "vmapped")
TITLES = {"value": "{}", "gradient": "{}", "jvp": "jvp, {}", "second": "second order, {}",
          "looped": "looped, {}", "vmapped": "vmapped, {}"}  # fmt: skip


@dataclass(frozen=True)
class Oracle:
    """What is right, and how far rounding may carry a variant from it.

    truth: by (probe, name), PyTorch's. defined: the reference's values, empty where there is none. deviation: by
    (probe, name), see `parity.bounds.rounding`.
    """

    truth: Values
    defined: Values
    deviation: dict[tuple[str, str], float]


def compare_pair(
    pair: Pair, point: Point, variants: tuple[Variant, ...], probes: tuple[str, ...] = PROBES
) -> Iterator[Verdict]:
    """Every verdict on `pair` at `point`; variants in low precision at the point rounded to theirs."""
    probes = applicable(point, probes)
    wide = tuple(variant for variant in variants if variant.dtype in ("float32", "float64"))
    if wide or not variants:
        yield from _compare_at(pair, point, wide, probes, "float32", True)
    narrow = dict.fromkeys(variant.dtype for variant in variants if variant not in wide)
    for i, dtype in enumerate(narrow):
        chosen, first = tuple(variant for variant in variants if variant.dtype == dtype), not wide and i == 0
        first_order = tuple(probe for probe in probes if probe == "gradient")
        yield from _compare_at(pair, point.rounded(dtype), chosen, first_order, dtype, first)


def applicable(point: Point, probes: tuple[str, ...]) -> tuple[str, ...]:
    """The probes that exist at a point."""
    absent = set() if point.batched else {"looped", "vmapped"}
    if not (point.cotangents and point.leaves()):
        absent |= {"jvp", "second"}  # nothing to differentiate: integers in or out
    return tuple(probe for probe in probes if probe not in absent)


def _compare_at(
    pair: Pair, point: Point, variants: tuple[Variant, ...], probes: tuple[str, ...], dtype: str, first: bool
) -> Iterator[Verdict]:
    """The verdicts on variants that share a point; first: whether to check the oracle as well."""
    from parity.bounds.rounding import retry_with_more_samples

    rounded, refused = derived(pair, point, tuple(probe for probe in probes if probe in ORDERS), UNIT[dtype])
    probes = tuple(probe for probe in probes if probe not in {verdict.what for verdict in refused})
    truth = {key: x.detach().double().numpy() for key, x in rounded.exact.items()}
    defined = reference(pair, point)
    slopes = [slope(pair, point, truth)] if first and "gradient" in probes else []
    slopes += [second_slope(pair, point, truth)] if first and "second" in probes else []
    results = list(evaluated(pair, point, (ORACLE, *variants) if first else variants, probes))

    def verdicts(deviation: dict[tuple[str, str], float]) -> Iterator[Verdict]:
        oracle = Oracle(truth, defined, deviation)
        yield from refused
        yield from slopes
        if first:
            yield from oracle_verdicts(pair, oracle)
        yield from variant_verdicts(pair, oracle, results)

    yield from retry_with_more_samples(rounded, verdicts)


def oracle_verdicts(pair: Pair, oracle: Oracle) -> Iterator[Verdict]:
    """The verdicts on the oracle itself."""
    if oracle.defined:
        yield from against(pair.name, ORACLE, "value", oracle.truth, oracle.defined, oracle.deviation)
    yield from conditioned(pair, oracle)


def variant_verdicts(
    pair: Pair,
    oracle: Oracle,
    results: list[tuple[Variant, str, Values | str]],
    recorded: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Verdict]:
    """The verdicts on the variants, whose `results` are those of `evaluated`.

    recorded: the dtypes of PyTorch's outputs by precision and name; None: those that are among the results.
    """
    truth = oracle.truth | oracle.defined
    for variant, probe, values in results:
        if isinstance(values, str):
            yield limited(pair.name, str(variant), probe, values)
        else:
            expected = dtypes(variant, results) if recorded is None else recorded.get(variant.dtype, {})
            for verdict in against(pair.name, variant, probe, values, truth, oracle.deviation):
                got = str(values.get(("dtype", verdict.what), ""))
                if got != expected.get(verdict.what, got):
                    words = f"its dtype is {got}, not {expected[verdict.what]} as in PyTorch"
                    verdict = replace(verdict, error=np.inf, derivation=words)
                yield verdict


def dtypes(variant: Variant, results: list[tuple[Variant, str, Values | str]]) -> dict[str, str]:
    """The dtypes of PyTorch's outputs in the variant's precision; none for float64, which is the harness's alone."""
    plain = Variant("torch", variant.dtype)
    arrays = [values for one, _, values in results if one == plain != ORACLE and not isinstance(values, str)]
    return {name: str(x) for values in arrays for (of, name), x in values.items() if of == "dtype"}


def reference(pair: Pair, point: Point) -> Values:
    """The values of the reference, where there is one."""
    if pair.reference is None:
        return {}
    outputs = pair.reference(point.parameters, *point.inputs)
    return {("value", name): real(y) for name, y in leaves(outputs, "output")}


def against(
    case: str, variant: Variant, probe: str, got: Values, truth: Values, deviation: dict[tuple[str, str], float]
) -> Iterator[Verdict]:
    """One verdict an array of the probe. A derivative that the oracle lacks must be zero."""
    answered = ("value", "gradient") if probe == "gradient" else (probe,)
    # One example at a time gives what the full batch gives, and may round as that does.
    smallest = AGREEMENT * max((magnitude(x) for (of, _), x in truth.items() if of in ("value", probe)), default=0.0)
    homes = {(probe, name): (p, name) for p, name in truth if p == "value"} if probe in ("looped", "vmapped") else {}
    for key in homes or [key for key in truth if key[0] in answered]:
        home, what = homes.get(key, key), TITLES[key[0]].format(key[1])
        if key in got:
            bound = allowance(deviation[home], variant.dtype)
            yield telling(compare(case, str(variant), what, got[key], truth[home], *bound), smallest)
        else:
            yield compare(case, str(variant), what, np.full_like(truth[home], np.nan), truth[home], 0.0, "is missing")
    for key in got.keys() - truth.keys() - homes.keys():
        if key[0] in answered:
            zero, what = np.zeros_like(got[key]), TITLES[key[0]].format(key[1])
            yield compare(case, str(variant), what, got[key], zero, 0.0, "not read, so its derivative is 0")


def telling(verdict: Verdict, smallest: float) -> Verdict:
    """The verdict, unless its bound would excuse zeros: then it cannot tell. smallest: what counts as zero itself."""
    if not (verdict.ok and verdict.bound >= verdict.scale > smallest):
        return verdict
    return replace(verdict, limitation=f"cannot tell: {verdict.bound:.3g} of rounding would excuse zeros as well")


def conditioned(pair: Pair, oracle: Oracle) -> Iterator[Verdict]:
    """The float64 bounds themselves, as errors that may not exceed AGREEMENT of the scale.

    The scale is the greatest magnitude of the case's values and gradients (for jvp and second order, of those too), not
    of the tensor: a gradient that is exactly zero has no scale.
    """
    sizes = {key: magnitude(x) for key, x in oracle.truth.items()}
    for key in oracle.deviation:
        scale = max(size for (probe, _), size in sizes.items() if probe in ("value", "gradient", key[0]))
        bound, _ = allowance(oracle.deviation[key], "float64")
        what, words = TITLES[key[0]].format(key[1]), f"{AGREEMENT:g} of the scale {scale:.3g}"
        yield compare(pair.name, "bound float64", what, np.array(bound), np.array(0.0), AGREEMENT * scale, words)
