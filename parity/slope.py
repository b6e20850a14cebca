"""Is the oracle's gradient the derivative of its function? Held against finite differences along one direction.

    <grad, v> = d/dh <f(theta + h v), c>  at h = 0

f is the definition, or where there is none PyTorch's own float64 forward pass: a branch that is cut off from the
gradient by mistake shows in either. Richardson: the central differences of step h and h/2 are combined so that their
h^2 terms cancel, and how far they lie apart bounds what is left.
"""

from __future__ import annotations

import numpy as np

from parity.legs import ORACLE
from parity.pair import Pair
from parity.problem import Problem, Values
from parity.rounding import UNIT
from parity.trees import leaves
from parity.verdict import Verdict, compare

STEP = 2.0**-10


def slope(pair: Pair, problem: Problem, truth: Values) -> Verdict:
    """PyTorch's gradient against the slope along the problem's direction; leg "definition slope" or "torch slope"."""
    point, direction = problem.leaves(), problem.directions

    def along(h: float) -> float:
        moved = problem.at({name: x + h * direction[name] for name, x in point.items()})
        return weighed(pair, moved)

    def central(h: float) -> float:
        return (along(h) - along(-h)) / (2 * h)

    size = max((float(np.abs(x).max(initial=0.0)) for x in point.values()), default=0.0) or 1.0
    h = STEP * min(1.0, size)
    coarse, fine = central(h), central(h / 2)
    refined = (4 * fine - coarse) / 3
    shares = [truth["gradient", name] * v for name, v in direction.items() if ("gradient", name) in truth]
    claimed, magnitude = sum(float(x.sum()) for x in shares), sum(float(np.abs(x).sum()) for x in shares)
    terms = sum(c.size for c in problem.cotangents.values())
    rounding = 4 * UNIT["float64"] * terms * max(1.0, abs(along(0.0))) / h
    allowed = abs(refined - fine) + rounding + UNIT["float64"] * magnitude
    leg = "definition slope" if pair.definition else "torch slope"
    words = f"truncation |R - D(h/2)| + rounding of the difference at h = {h:.2g}"
    return compare(pair.name, leg, "all", np.array(claimed), np.array(refined), allowed, words)


def weighed(pair: Pair, problem: Problem) -> float:
    """<f, c> in float64: of the definition, or of PyTorch."""
    if pair.definition is not None:
        outputs = dict(leaves(pair.definition(problem.parameters, *problem.inputs), "output"))
    else:
        outputs = {name: x for (_, name), x in pair.probe(ORACLE, "value", problem).items()}
    return sum(float((np.asarray(outputs[name]) * c).sum()) for name, c in problem.cotangents.items())
