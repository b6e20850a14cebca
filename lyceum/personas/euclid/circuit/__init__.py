"""E23, the algorithm: a recurrent cell whose hand-written weights find the greatest common measure of two numbers.

Idea. "Given two numbers not prime to one another, to find their greatest common measure" (Elements VII.2): let the less
be continually subtracted from the greater. Nothing is fitted: three units with weights 0, 1, -1 and -2 carry it out.
The same habit gives the second half of this system, mirrors that make any given rotation, as initial values of
positions: `lyceum.personas.euclid.circuit.mirrors` and `.start`.

Cell. The state h = (g, l) is a greater and a less magnitude, g >= l >= 0; one step takes l from g and orders the rest:
    (g, l) -> (max(g - l, l), min(g - l, l)).
Since max(a, b) = b + relu(a - b) and min(a, b) = a - relu(a - b), with relu(x) = max(x, 0), this is
    u = relu(g - 2 l, l, g - l),    g' = u_1 + u_2,    l' = u_3 - u_1,
a layer of three units, h' = V relu(U h). It takes no comparison and no test for the end: at l = 0 it stands still. Two
numbers a, b enter as h_0 = (a + b, b), a linear map; the first step orders them.

Theorems.
 1. (measure) Whatever measures g and l measures g - l, and the other way round. So every step keeps the greatest common
    measure, and where l = 0 it is g.
 2. (steps) g' + l' = g: while l > 0 the sum falls, so the numbers end at l = 0. After the first step, each step is one
    subtraction of VII.2, and the last leaves (g, g) as (g, 0): so g is the measure after exactly as many steps as the
    quotients of the continued fraction of a / b add up to: at most max(a, b), as each makes g less by 1 at least until
    it is the measure. Of all pairs up to n, those of n with 1 and with n - 1 take n.
 3. (exact) On numbers up to 64 every intermediate number is an integer of at most 128: exact in float32, bfloat16 and
    float16. So all pairs up to 64 are right, bit for bit, in at most 64 steps.
 4. (magnitudes) h_k(c a, c b) = c h_k(a, b) for c >= 0: of magnitudes the ratio decides (V). If they have a common
    measure the cell finds it (X.3), else it never ends (X.2): h = (phi, 1) goes to h / phi, the extreme and mean ratio.
 5. (sharp) With another sign in any of its weights that are not 0 the cell fails on some pair.

Cost. 16 weights, none trained; O(1) a step. A rounding error grows as it does in any subtraction, by up to phi^2
relative to g a step: integers have none.
Sources: Elements VII.1-2, X.2-3; Heath 1908; Weiss et al. 2021 (weights written by hand).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.euclid.circuit.start import WrittenMirrors
from lyceum.personas.euclid.circuit.theorems import MOST, theorems
from lyceum.personas.euclid.rope import Mirrors
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.skeleton import START
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Subtraction:
    """steps: how often the less is taken from the greater."""

    steps: int = MOST

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"enter.weight": (2, 2), "inner.weight" U: (3, 2), "outer.weight" V: (2, 3)}; nothing is drawn."""
        return {
            "enter.weight": np.array([[1.0, 1], [0, 1]]),
            "inner.weight": np.array([[1.0, -2], [0, 1], [1, -1]]),
            "outer.weight": np.array([[1.0, 1, 0], [-1, 0, 1]]),
        }

    def __call__(self, p: dict[str, np.ndarray], numbers: np.ndarray) -> np.ndarray:
        """numbers a, b (B, 2) -> h_0 to h_steps, (B, steps + 1, 2)."""
        states = [numbers @ p["enter.weight"].T]
        for _ in range(self.steps):
            states.append(np.maximum(states[-1] @ p["inner.weight"].T, 0) @ p["outer.weight"].T)
        return np.stack(states, axis=1)


def demonstration(a: int, b: int) -> np.ndarray:
    """The states (k, 2) from a and b to the first whose greater magnitude is their measure.

    Raises PersonaError unless both are from 1 to 64.
    """
    if not (1 <= a <= MOST and 1 <= b <= MOST):
        raise PersonaError(f"give two numbers from 1 to {MOST}: for these {MOST} steps suffice.")
    spec = Subtraction()
    states = spec(spec.initial(np.random.default_rng(0), 1), np.array([[a, b]], float))[0]
    return states[: 1 + (states[:, 0] == states[-1, 0]).argmax()]


def _magnitudes(g: np.random.Generator) -> tuple[np.ndarray]:
    return (g.uniform(1, 9, (5, 2)),)


CASES = (
    Case("circuit: subtraction", Subtraction(4), _magnitudes, noise=0.1),
    Case("circuit: subtraction, written weights", Subtraction(6), _magnitudes, noise=0.0),
    Case("circuit: subtraction, the first step", Subtraction(1), lambda g: (g.normal(size=(4, 2)),)),
)
THEOREMS = theorems(Subtraction(), Mirrors(4, 8))

SYSTEM = System(
    "circuit",
    "E23, the algorithm",
    job="initial values: mirrors that make a given rotation, from which every turn can be learned",
    needs=("rope",),
    build=lambda modules, sizes, tables: {START: WrittenMirrors()},
)
