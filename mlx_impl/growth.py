"""How the model of a trainer grows. References: `lyceum.personas.aristotle.grow`, `lyceum.personas.euclid.grow`."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_impl.registry import build


class Growing:
    """Methods of a trainer. given: the plan that it was made with; `plan` is that of the model as it is now."""

    def potentials(self, ids: np.ndarray, targets: np.ndarray, noise: dict[str, np.ndarray]) -> dict[int, float]:
        """{block that waits: the norm of the loss's gradient in its output matrices}, on a batch."""
        model, outputs = self.model, self.plan.recipe.growth.outputs
        masks = {site: mx.array(mask, self.dtype) for site, mask in noise.items()}
        skipped, model.skipped = model.skipped, frozenset()
        blocks = self.value_and_grad(mx.array(ids), mx.array(targets), masks)[1]["blocks"]
        model.skipped = skipped
        matrices = {i: [g for name, g in tree_flatten(blocks[i]) if name.endswith(outputs)] for i in skipped}
        return {i: sum(mx.square(g).sum().item() for g in some) ** 0.5 for i, some in matrices.items()}

    def activate(self, block: int) -> None:
        """Make a block that waits part of the model, with a count of steps that begins now."""
        self.model.skipped -= {block}
        self.born[block] = self._steps()
        self._set_step(self._steps())
        self._trace()

    def widen(self, seed: int) -> None:
        """Take up the wide model: parameters, and moments with zeros, get their borders. seed: of what is drawn."""
        state = self.read()
        wide = {"optimizer.step": state["optimizer.step"]}
        for name, (spec, drawn) in self.plan.recipe.growth.borders(self.plan, seed).items():
            border, new = build(spec), mx.array(drawn, self.dtype)
            for key, free in ((f"model.{name}", new), *((f"optimizer.{m}.{name}", 0 * new) for m in ("m", "v"))):
                wide[key] = np.array(border(mx.array(state[key], self.dtype), free))
        self.write(wide)

    def _fit(self, state: dict[str, np.ndarray]) -> None:
        """Take up the model that a state is of: as it was before a growth in width, or after it."""
        plan = self.given if "growth.born" in state else self.given.grown
        if plan.width() != self.plan.width():
            self._begin(plan)
