"""How the model of a trainer grows. References: `lyceum.personas.aristotle.grow`, `lyceum.personas.euclid.grow`."""

from __future__ import annotations

import numpy as np
import torch

from torch_ref.registry import build


class Growing:
    """Methods of a trainer. given: the plan that it was made with; `plan` is that of the model as it is now."""

    def potentials(self, ids: np.ndarray, targets: np.ndarray, noise: dict[str, np.ndarray]) -> dict[int, float]:
        """{block that waits: the norm of the loss's gradient in its output matrices}, on a batch."""
        model, outputs = self.model, self.plan.recipe.growth.outputs
        skipped, model.skipped = model.skipped, frozenset()
        named = {i: model.blocks[i].named_parameters() for i in skipped}
        matrices = {i: [p for name, p in pairs if name.endswith(outputs)] for i, pairs in named.items()}
        loss = self._mean_loss(ids, targets, noise)
        gradients = iter(torch.autograd.grad(loss, [p for some in matrices.values() for p in some]))
        model.skipped = skipped
        return {i: sum(next(gradients).square().sum().item() for _ in some) ** 0.5 for i, some in matrices.items()}

    def activate(self, block: int) -> None:
        """Make a block that waits part of the model, with a count of steps that begins now."""
        self.model.skipped -= {block}
        self.born[block] = self._steps()

    @torch.no_grad()
    def widen(self, seed: int) -> None:
        """Take up the wide model: parameters, and moments with zeros, get their borders. seed: of what is drawn."""
        state = self.read()
        wide = {"optimizer.step": state["optimizer.step"]}
        for name, (spec, drawn) in self.plan.recipe.growth.borders(self.plan, seed).items():
            border, new = build(spec), torch.from_numpy(drawn).to(self.dtype)
            for key, free in ((f"model.{name}", new), *((f"optimizer.{m}.{name}", 0 * new) for m in ("m", "v"))):
                wide[key] = border(torch.from_numpy(state[key]), free).numpy()
        self.write(wide)

    def _fit(self, state: dict[str, np.ndarray]) -> None:
        """Take up the model that a state is of: as it was before a growth in width, or after it."""
        plan = self.given if "growth.born" in state else self.given.grown
        if plan.width() != self.plan.width():
            self._begin(plan)


def born_at(born: np.ndarray, name: str) -> int:
    """When a parameter's block became active, from that of every block; what is in no block was so from the start."""
    return int(born[int(name.split(".")[1])]) if name.startswith("blocks.") else 0
