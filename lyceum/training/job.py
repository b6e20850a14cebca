"""What is trained, in one record, apart from how far it is and where it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from lyceum.contract import Fixed
from lyceum.corpus.batches import train_batch


@dataclass(frozen=True)
class Job:
    """A backend's trainer, the plan and the corpus it is trained by, the fixed values and the seed."""

    trainer: object
    plan: object
    corpus: object
    fixed: Fixed
    seed: int

    def update(self, step: int) -> object:
        """Iteration `step`'s growth, if one is due, and update. Returns the batch's loss before the update.

        Under a watch a loss that is not a number makes no update; then what is hurt is restored, and it is done again.
        """
        batch = train_batch(self.corpus, self.seed, step, self.fixed.batch_size, self.fixed.block_size)
        noise = self.plan.noise(self.seed, step)
        if step in self.plan.growth_steps():
            self.plan.recipe.growth.grow(self.trainer, *batch, noise, self.seed)
        arguments, watch = (*batch, noise, self.plan.recipe.learning_rate(step)), self.trainer.watch
        loss = self.trainer.step(*arguments)
        if watch is not None:
            if not isfinite(float(loss)):
                watch.examine(step)
                loss = self.trainer.step(*arguments)
            if watch.due(step):
                watch.examine(step)
        return loss

    def damages(self) -> list[str]:
        """What the watch has detected and restored since the last call, as sentences."""
        return [] if self.trainer.watch is None else [str(damage) for damage in self.trainer.watch.take_damages()]
