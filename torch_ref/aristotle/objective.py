"""A22, the final cause. Reference: `lyceum.personas.aristotle.objective`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.aristotle import objective as reference
from torch_ref.registry import implements


@implements(reference.FinalCause)
class FinalCause(nn.Module):
    """What training asks besides the next token. `ask` needs T >= 2."""

    reads = reference.FinalCause.reads

    def __init__(self, n_embd: int, ahead: float, contradiction: float, every: int, until: float, tiny: float):
        super().__init__()
        self.ahead = nn.Linear(n_embd, n_embd, bias=False)
        self.ahead_weight, self.contradiction = ahead, contradiction
        self.every, self.tiny = every, tiny

    def ask(self, x: Tensor, ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, d), ids, targets (B, T) -> what the head reads (B, 2, n, d) and is asked for (B, 2, n)."""
        here = x[:, : -1 : self.every]
        states = torch.stack([here + self.ahead(here), here], 1)
        return states, torch.stack([targets[:, 1 :: self.every], ids[:, : -1 : self.every]], 1)

    def losses(self, answers: Tensor, ids: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
        """answers (B, 2, n), ids, targets (B, T), weight () -> what is added to the log loss, (B, T)."""
        after, present = answers[:, 0], answers[:, 1].clamp(max=-self.tiny)
        differ = (ids != targets)[:, : -1 : self.every]
        extra = -self.ahead_weight * after - self.contradiction * differ * torch.log(-torch.expm1(present))
        # Each value to its position: `every` columns a value, all but the first 0.
        padded = F.pad((weight * self.every * extra)[..., None], (0, self.every - 1)).flatten(1)
        length = ids.shape[1]
        return F.pad(padded, (0, max(0, length - padded.shape[1])))[:, :length]
