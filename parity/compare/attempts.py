"""What the sides can compute at a point; where a framework cannot, why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from parity.compare.pair import Pair
from parity.results.verdict import Verdict, limited
from parity.sides.test_point import Point, Values
from parity.sides.variants import ORACLE, Variant

if TYPE_CHECKING:  # not needed for a golden file
    from parity.bounds.rounding import Deviations

FAILURES = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)  # of a framework that cannot
DEFINING = ("value", "gradient", "second")  # probes that the oracle computes as PyTorch does: nothing to compare


def derived(pair: Pair, point: Point, orders: tuple[str, ...], unit: float) -> tuple[Deviations, list[Verdict]]:
    """The deviations of PyTorch's values and derivatives, and verdicts on the derivatives that it cannot compute."""
    from parity.bounds.rounding import Deviations

    why = ""
    for asked in (orders, tuple(probe for probe in orders if probe == "gradient"), ()):
        try:
            rounded = Deviations(partial(pair.torch.tensors, asked, point), unit)
        except FAILURES as error:
            if not asked:
                raise
            why = reason("torch", error)
        else:
            if not (asked and point.cotangents and point.leaves() and all(of == "value" for of, _ in rounded.exact)):
                break
            why = "torch computes these values without a graph (no_grad, say), so they alone are compared"
    return rounded, [limited(pair.name, str(ORACLE), probe, why) for probe in orders if probe not in asked]


def evaluated(
    pair: Pair, point: Point, variants: tuple[Variant, ...], probes: tuple[str, ...]
) -> Iterator[tuple[Variant, str, Values | str]]:
    """(variant, probe, its arrays or why there are none) of every variant; of the oracle, its other ways to compute."""
    for variant in variants:
        asked = tuple(probe for probe in probes if probe == "gradient") if variant.compiled else probes
        for probe in asked if "gradient" in asked else ("value", *asked):
            if variant == ORACLE and probe in DEFINING:
                continue
            result = attempted(pair, variant, probe, point)
            yield variant, probe, result
            if isinstance(result, str) and probe == "gradient":
                yield variant, "value", attempted(pair, variant, "value", point)


def attempted(pair: Pair, variant: Variant, probe: str, point: Point) -> Values | str:
    """The arrays of a probe, or why there are none."""
    try:
        return pair.evaluate(variant, probe, point)
    except FAILURES as error:
        return reason(variant.backend, error)


def reason(backend: str, error: Exception) -> str:
    """Why a framework cannot, in the first line of its message."""
    return f"{backend} cannot: {str(error).splitlines()[0] if str(error) else type(error).__name__}"


def computed(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The verdicts. Raises RuntimeError if a framework could not compute values or gradients: the project's can."""
    for verdict in verdicts:
        if verdict.limitation and verdict.what in ("value", "gradient"):
            raise RuntimeError(f"{verdict.case}, {verdict.variant}: {verdict.limitation}")
        yield verdict
