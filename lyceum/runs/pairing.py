"""The difference of two finished runs on the same validation blocks, which is known far better than either loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.contract import UserError
from lyceum.runs.folder import RunFolder
from lyceum.runs.summary import Summary
from lyceum.training.evaluation import paired


@dataclass(frozen=True)
class Difference:
    """full_vloss of a run less that of another, and its standard error, in nats per token."""

    value: float
    error: float


def difference(run: Summary, first: Summary) -> Difference:
    """By how much the loss of `run` exceeds that of `first`. Raises UserError as `paired_losses` does."""
    losses, reference = paired_losses(run, first)
    return Difference(*paired(reference, losses))


def paired_losses(run: Summary, first: Summary) -> tuple[np.ndarray, np.ndarray]:
    """The losses of both at the same validation tokens, (K, T) each, nan in filling positions.

    Raises UserError, one sentence that says why the runs cannot be paired: unfinished, other data, other shape.
    """
    for one in (first, run):
        if one.state != "finished":
            raise UserError(f"{one.path} is not finished ({one.status})")
    if run.data["val"] != first.data["val"]:
        raise UserError("their validation texts differ")
    losses, reference = (RunFolder(one.path).val_losses() for one in (run, first))
    if losses.shape != reference.shape:
        raise UserError(f"their validation blocks differ in shape, {losses.shape} and {reference.shape}")
    if not np.array_equal(np.isfinite(losses), np.isfinite(reference)):
        raise UserError("they have losses at different positions")
    return losses, reference
