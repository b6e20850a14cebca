"""What is trained, in one record, apart from how far it is and where it is saved."""

from __future__ import annotations

from dataclasses import dataclass

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
        """Iteration `step`'s growth, if one is due, and update. Returns the batch's loss before the update."""
        batch = train_batch(self.corpus, self.seed, step, self.fixed.batch_size, self.fixed.block_size)
        noise = self.plan.noise(self.seed, step)
        if step in self.plan.growth_steps():
            self.plan.recipe.growth.grow(self.trainer, *batch, noise)
        return self.trainer.step(*batch, noise, self.plan.recipe.learning_rate(step))
