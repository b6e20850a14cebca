"""Cases for a layer that chooses, away from ties: mathematics decides every choice, rounding none.

Near a tie two correct programs may choose differently, and then differ by more than rounding explains. A theorem says
what happens at a tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Case, representable


@dataclass(frozen=True)
class Routed(Case):
    """A case whose answers are far from ties. Its reference has parameters router.weight, router.bias, beta.

    Question j asks about feature j. For the inputs of `clear`, s is about 0.15, 0.35, 0.65 or 0.85, at least 0.1 from
    the thresholds 1/4 and 3/4 that beta makes: beta decides some choices, rounding none.
    """

    def parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Random parameters; router and beta as above."""
        p, (inner, d) = super().parameters(generator), (self.spec.inner, self.spec.n_embd)
        router = np.eye(inner, d) + 0.02 * generator.normal(size=(inner, d))
        bias, beta = 0.05 * generator.normal(size=inner), generator.choice([-0.25, 0.25], size=inner)
        return p | {"router.weight": representable(router), "router.bias": representable(bias), "beta": beta}


def clear(*shape: int):
    """Inputs for `Routed`: a function that draws an array of this shape."""
    return lambda g: (g.choice([-1.75, -0.6, 0.6, 1.75], size=shape) * g.uniform(0.95, 1.05, size=shape),)


def point(spec: Any, generator: np.random.Generator, *shape: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters as in `Routed` for `spec`, and an input of this shape."""
    return Routed("", spec, None).parameters(generator), representable(clear(*shape)(generator)[0])
