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

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from parity.bounds.units import UNIT, allowance
from parity.compare.pair import Pair
from parity.compare.slope import slope
from parity.compare.test_point import Point, Values
from parity.compare.trees import leaves
from parity.compare.variants import ORACLE, Variant
from parity.results.verdict import AGREEMENT, Verdict, compare, limited, magnitude

DEFINING = ("gradient", "second")  # probes that the oracle computes as PyTorch's variants do: nothing to compare
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
        yield from _compare_at(pair, point.rounded(dtype), chosen, ("gradient",), dtype, first)


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
    from parity.bounds.rounding import Deviations, retry_with_more_samples

    orders = tuple(probe for probe in probes if probe in ORDERS)
    rounded = Deviations(lambda: pair.torch.tensors(orders, point), UNIT[dtype])
    truth = {key: x.detach().double().numpy() for key, x in rounded.exact.items()}
    defined = reference(pair, point)
    slopes = [slope(pair, point, truth)] if first else []
    results = list(evaluated(pair, point, (ORACLE, *variants) if first else variants, probes))

    def verdicts(deviation: dict[tuple[str, str], float]) -> Iterator[Verdict]:
        oracle = Oracle(truth, defined, deviation)
        yield from slopes
        if first:
            yield from oracle_verdicts(pair, oracle)
        yield from variant_verdicts(pair, oracle, results)

    yield from retry_with_more_samples(rounded, verdicts)


def evaluated(
    pair: Pair, point: Point, variants: tuple[Variant, ...], probes: tuple[str, ...]
) -> Iterator[tuple[Variant, str, Values | str]]:
    """(variant, probe, its arrays or why there are none) of every variant; of the oracle, its other ways to compute."""
    for variant in variants:
        for probe in ("gradient",) if variant.compiled else probes:
            if variant == ORACLE and probe in DEFINING:
                continue
            try:
                yield variant, probe, pair.evaluate(variant, probe, point)
            except (RuntimeError, ValueError, NotImplementedError) as error:
                if probe == "gradient":
                    raise
                yield variant, probe, reason(variant.backend, error)


def oracle_verdicts(pair: Pair, oracle: Oracle) -> Iterator[Verdict]:
    """The verdicts on the oracle itself."""
    if oracle.defined:
        yield from against(pair.name, ORACLE, "value", oracle.truth, oracle.defined, oracle.deviation)
    yield from conditioned(pair, oracle)


def variant_verdicts(pair: Pair, oracle: Oracle, results: list[tuple[Variant, str, Values | str]]) -> Iterator[Verdict]:
    """The verdicts on the variants, whose `results` are those of `evaluated`."""
    truth = oracle.truth | oracle.defined
    for variant, probe, values in results:
        if isinstance(values, str):
            yield limited(pair.name, str(variant), probe, values)
        else:
            yield from against(pair.name, variant, probe, values, truth, oracle.deviation)


def reason(backend: str, error: Exception) -> str:
    """Why a framework cannot, in the first line of its message."""
    return f"{backend} cannot: {str(error).splitlines()[0] if str(error) else type(error).__name__}"


def reference(pair: Pair, point: Point) -> Values:
    """The values of the reference, where there is one."""
    if pair.reference is None:
        return {}
    outputs = pair.reference(point.parameters, *point.inputs)
    return {("value", name): np.asarray(y) for name, y in leaves(outputs, "output")}


def against(
    case: str, variant: Variant, probe: str, got: Values, truth: Values, deviation: dict[tuple[str, str], float]
) -> Iterator[Verdict]:
    """One verdict an array of the probe. A derivative that the oracle lacks must be zero."""
    answered = ("value", "gradient") if probe == "gradient" else (probe,)
    # One example at a time gives what the full batch gives, and may round as that does.
    homes = {(probe, name): (p, name) for p, name in truth if p == "value"} if probe in ("looped", "vmapped") else {}
    for key in homes or [key for key in truth if key[0] in answered]:
        home, what = homes.get(key, key), TITLES[key[0]].format(key[1])
        if key in got:
            yield compare(case, str(variant), what, got[key], truth[home], *allowance(deviation[home], variant.dtype))
        else:
            yield compare(case, str(variant), what, np.full_like(truth[home], np.nan), truth[home], 0.0, "is missing")
    for key in got.keys() - truth.keys() - homes.keys():
        if key[0] in answered:
            zero, what = np.zeros_like(got[key]), TITLES[key[0]].format(key[1])
            yield compare(case, str(variant), what, got[key], zero, 0.0, "not read, so its derivative is 0")


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
