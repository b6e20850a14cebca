"""A11, potentiality and act: training begins with half of the blocks; the others enter where they are most able to act.

Idea. What is potentially is not yet in act, and becomes so by what is already in act (Metaphysics IX.8). A block whose
output matrices are 0 is there potentially: it adds nothing. It is left out of training steps, which saves its time,
until the schedule lets one in: the one whose output matrices the loss would move most.

Equations, for L blocks, of which the middle half is active at first, and the others wait:
    initial    W_out = 0 and W_down = 0 in every block that waits: its branches are 0, x + 0 = x
    potential  P_i = |(dL/dW_out, dL/dW_down)|_F of block i, all blocks that wait taken together, on one batch
    growth     at iteration at[k] S of S: the block with the greatest P_i becomes active, of equals the first
A block that waits is no part of a step: no gradient, no decay, no count. One that has become active begins its own
count for Adam's bias corrections, with moments of 0; all others keep theirs.

Theorems.
 1. (same function) Whether a block that waits is computed or left out changes no bit of the model's output, and so does
    its entry: x + 0 m = x for every mask m, and x is never a negative zero that matters to a sum.
 2. (choice) At W = 0 the gradients of the blocks that wait do not depend on each other's entry, so all P_i can be
    taken from one backward pass; the block that enters is their arg max, on the same batch in both backends.
 3. (moments) Parameters, moments and counts of the active blocks are untouched by a growth.

Cost. One backward pass of the whole model at each growth. A step of half the blocks in between.
Sources: Evci et al. 2022 (GradMax); Gong et al. 2019 (stacking); Chen, Goodfellow & Shlens 2016 (Net2Net).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.recipe import Recipe
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Growth:
    """at: when the blocks that wait enter, one after the other, as shares of all iterations, increasing.

    outputs: how the names of the matrices end that write to the residual stream.
    """

    outputs: ClassVar[tuple[str, ...]] = (".out.weight", ".down.weight")
    at: tuple[float, ...] = (0.3, 0.6)

    def modules(self, modules: Mapping[str, Any]) -> Mapping[str, Any]:
        """As they are: a block that waits has its layers."""
        return modules

    def waiting(self, n_layer: int) -> tuple[int, ...]:
        """The blocks that wait at first: all but the middle half, and never all of them."""
        active = max(1, n_layer // 2)
        first = (n_layer - active) // 2
        return tuple(i for i in range(n_layer) if not first <= i < first + active)

    def steps(self, n_layer: int, total_steps: int) -> tuple[int, ...]:
        """The iterations of total_steps before which a block enters. Raises PersonaError if `at` has too few shares."""
        count = len(self.waiting(n_layer))
        if count > len(self.at):
            raise PersonaError(f"{count} blocks wait, but only {len(self.at)} growths are planned: give more shares.")
        return tuple(round(share * total_steps) for share in self.at[:count])

    def initial(self, values: dict[str, np.ndarray], n_layer: int) -> dict[str, np.ndarray]:
        """The initial values of all parameters with the outputs of the blocks that wait at 0."""
        waiting = tuple(f"blocks.{i}." for i in self.waiting(n_layer))
        zero = {name for name in values if name.startswith(waiting) and name.endswith(self.outputs)}
        return {name: 0 * value if name in zero else value for name, value in values.items()}

    def choose(self, potentials: Mapping[int, float]) -> int:
        """The block with the greatest potential; of equals the first."""
        return max(sorted(potentials), key=potentials.__getitem__)

    def grow(self, trainer: Any, ids: np.ndarray, targets: np.ndarray, noise: dict[str, np.ndarray], seed: int) -> None:
        """Let one block enter, chosen on this batch."""
        trainer.activate(self.choose(trainer.potentials(ids, targets, noise)))


def train(recipe: Recipe) -> Recipe:
    """The recipe with growth."""
    return replace(recipe, growth=Growth())


SYSTEM = System(
    "grow",
    "A11, potentiality and act",
    job="training: half of the blocks at first, the others enter where the gradient asks for them",
    excludes={"muon": "it updates the matrices of all blocks as one stack"},
    train=train,
)
