"""What is trained, in one record, apart from how far it is and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from training.contract import Fixed


@dataclass(frozen=True)
class Job:
    """A wing's trainer, the plan and the corpus it is trained by, the fixed values and the seed."""

    trainer: object
    plan: object
    corpus: object
    fixed: Fixed
    seed: int
