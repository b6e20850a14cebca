"""E22, the angle. Reference: `lyceum.personas.euclid.objective`."""

from __future__ import annotations

from torch import Tensor, nn

from lyceum.personas.euclid import objective as reference
from torch_ref.registry import implements


@implements(reference.Angle)
class Angle(nn.Module):
    """What training adds while the angles count."""

    reads = reference.Angle.reads

    def __init__(self, until: float):
        super().__init__()

    def ask(self, x: Tensor, ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, d), ids, targets (B, T) -> what the head reads and is asked for."""
        return x, targets

    def losses(self, answers: Tensor, ids: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
        """answers (B, T, 3), ids, targets (B, T), weight () -> what is added to the log loss, (B, T)."""
        log_prob, first, second = answers.unbind(-1)
        return weight * (log_prob + (1 - first) + (1 - second))
