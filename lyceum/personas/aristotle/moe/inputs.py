"""Cases for a layer that chooses: where the choice is a matter of mathematics, never of rounding.

Near a tie two right programs may choose differently, and then differ by more than rounding explains. So the cases keep
clear of ties; what happens at one is a theorem's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyceum.personas.spec.case import Case, representable


@dataclass(frozen=True)
class Routed(Case):
    """A case whose answers lie far from the edge. Its specification has parameters router.weight, router.bias, beta.

    Question j asks about feature j. What the inputs of `clear` say of it, s about 0.15, 0.35, 0.65 or 0.85, lies 0.1
    off beta's thresholds of 1/4 and 3/4: beta decides some choices, rounding none.
    """

    def parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """In general position but for router and beta."""
        p, (inner, d) = super().parameters(generator), (self.spec.inner, self.spec.n_embd)
        router = np.eye(inner, d) + 0.02 * generator.normal(size=(inner, d))
        bias, beta = 0.05 * generator.normal(size=inner), generator.choice([-0.25, 0.25], size=inner)
        return p | {"router.weight": representable(router), "router.bias": representable(bias), "beta": beta}


def clear(*shape: int):
    """Inputs for `Routed`: generator -> an array of this shape of sure or half-sure answers."""
    return lambda g: (g.choice([-1.75, -0.6, 0.6, 1.75], size=shape) * g.uniform(0.95, 1.05, size=shape),)


def posed(spec: Any, generator: np.random.Generator, *shape: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Such parameters for `spec`, and an input of this shape."""
    return Routed("", spec, None).parameters(generator), representable(clear(*shape)(generator)[0])
