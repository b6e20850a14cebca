"""Is the oracle's gradient the derivative of its function? Compared with finite differences along one direction.

    <grad, v> = d/dh <f(theta + h v), c>        at h = 0
    <H v, w>  = d/dh <grad(theta + h w), v>     at h = 0, of the products with the Hessian

f is the reference, or where there is none PyTorch's float64 forward pass: a branch that is cut off from the gradient by
mistake shows in either. The second line takes PyTorch's gradient for a function, after the first has checked it.

The table of differences (`parity.bounds.differences`) ends when its bound is below SHARP of the gradient's shares and
the gradient agrees. Two entries may happen to lie close
while the step is too large, and where f has kinks (an absolute value, a choice) a step crosses some of them until it is
short enough. So before the verdict fails, the table goes on until at half the step rounding alone would be more.

At a kink itself (relu at 0, two equal largest numbers, a token between two experts) there is no derivative. There the
slopes to the left and to the right are not the same. Then the
gradient is checked at a point close by, and only where that lies on a kink as well is there no verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lyceum.personas.spec.case import representable
from lyceum.rng import stream
from parity.bounds.differences import central, one_sided, ridders
from parity.bounds.units import UNIT
from parity.compare.pair import Pair
from parity.results.verdict import Verdict, compare
from parity.sides.test_point import Arrays, Point, Values
from parity.sides.trees import leaves, real
from parity.sides.variants import ORACLE

STEP = 2.0**-10  # the first
SHARP = 2.0**-20  # what is smaller does not show in float32, and in float64 the backends differ by it
NEARBY = 2.0**-6  # of the greatest number: how far a point moves away from a kink


def slope(pair: Pair, point: Point, truth: Values) -> Verdict:
    """PyTorch's gradient against the slope along the point's direction; variant "reference slope" or "torch slope".

    truth: PyTorch's derivatives at the point.
    """
    variant = "reference slope" if pair.reference else "torch slope"
    return checked(pair, point, truth, variant, point.directions, lambda at: weighed(pair, at), "gradient")


def second_slope(pair: Pair, point: Point, truth: Values) -> Verdict:
    """PyTorch's products with the Hessian against the slope of its gradient; variant "gradient slope"."""
    generator = stream(0, f"second slope/{pair.name}")
    along = {name: representable(generator.normal(size=v.shape)) for name, v in point.directions.items()}

    def gradient(at: Point) -> float:
        return inner(derivative(pair, at, "gradient"), point.directions)

    return checked(pair, point, truth, "gradient slope", along, gradient, "second")


def checked(
    pair: Pair, point: Point, truth: Values, variant: str, along: Arrays, f: Callable[[Point], float], probe: str
) -> Verdict:
    """The verdict on a probe, PyTorch's derivative of f by the leaves, along one direction."""
    shares = {name: x for (of, name), x in truth.items() if of == probe}
    verdict, smooth = at_point(pair, point, shares, variant, along, f)
    if verdict.ok or smooth():
        return verdict
    generator = stream(0, f"close by/{pair.name}")
    moved = {x: representable(v + NEARBY * size(v) * generator.normal(size=v.shape)) for x, v in point.leaves().items()}
    there = point.at(moved)
    near, smooth = at_point(pair, there, derivative(pair, there, probe), variant, along, f)
    if near.ok:
        return replace(near, derivation=f"{near.derivation}, close by, since there is a kink at the point itself")
    return near if smooth() else replace(near, limitation="cannot tell: the function has a kink here and close by")


def at_point(
    pair: Pair, point: Point, shares: Arrays, variant: str, along: Arrays, f: Callable[[Point], float]
) -> tuple[Verdict, Callable[[], bool]]:
    """The verdict at one point, and a function that says whether f has one slope there."""
    values = point.leaves()
    claimed, magnitude = inner(shares, along), sum(float(np.abs(g * along[name]).sum()) for name, g in shares.items())
    terms = sum(c.size for c in point.cotangents.values())

    def moved(h: float) -> float:
        return f(point.at({name: x + h * along[name] for name, x in values.items()}))

    noise = 4 * UNIT["float64"] * terms * max(1.0, abs(moved(0.0)))
    start = STEP * min(1.0, max(map(size, values.values()), default=1.0))

    def agrees(slope: float, error: float) -> bool:
        return error <= SHARP * magnitude and abs(claimed - slope) <= error

    def smooth() -> bool:
        right, left = (ridders(one_sided(moved, side), start, noise, growth=2) for side in (1, -1))
        return abs(right.value - left.value) <= right.error + left.error + SHARP * magnitude

    measured = ridders(central(moved), start, noise, agrees)
    words = f"what Ridders' table leaves of truncation and rounding at h = {measured.step:.2g}"
    allowed = measured.error + UNIT["float64"] * magnitude
    return compare(pair.name, variant, "all", np.array(claimed), np.array(measured.value), allowed, words), smooth


def derivative(pair: Pair, point: Point, probe: str) -> Arrays:
    """PyTorch's, by leaf."""
    tensors = pair.torch.tensors((probe,), point)
    return {name: x.detach().numpy() for (of, name), x in tensors.items() if of == probe}


def inner(shares: Arrays, along: Arrays) -> float:
    """The sum over all leaves of products."""
    return sum(float((g * along[name]).sum()) for name, g in shares.items())


def size(x: np.ndarray) -> float:
    """The greatest magnitude, 1 where there is none."""
    return float(np.abs(x).max(initial=0.0)) or 1.0


def weighed(pair: Pair, point: Point) -> float:
    """<f, c> in float64: of the reference, or of PyTorch."""
    if pair.reference is not None:
        outputs = {n: real(y) for n, y in leaves(pair.reference(point.parameters, *point.inputs), "output")}
    else:
        outputs = {name: x for (probe, name), x in pair.evaluate(ORACLE, "value", point).items() if probe == "value"}
    return sum(float((np.asarray(outputs[name]) * c).sum()) for name, c in point.cotangents.items())
