"""E6, the projection onto a plane. Reference: `lyceum.personas.euclid.mla.reflections`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.euclid.mla import reflections as reference
from lyceum.personas.euclid.mla.reflections import merges
from torch_ref.registry import implements


@implements(reference.Mirrors)
class Mirrors(nn.Module):
    """x (..., n_embd) -> (..., n_line), the foot's coordinates in the plane."""

    def __init__(self, n_embd: int, n_line: int):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(n_line, n_embd))
        self.register_buffer("merges", torch.from_numpy(merges(n_line)), persistent=False)

    def frame(self) -> Tensor:
        """F (n_embd, n_line), orthonormal columns, in float32 at least."""
        v = self.weight.to(torch.promote_types(self.weight.dtype, torch.float32))
        v = v / v.norm(dim=-1, keepdim=True)
        n, d = v.shape
        t = 2 * torch.eye(n, dtype=v.dtype, device=v.device)
        for gained in v @ v.mT * self.merges.to(v.dtype):
            t = t - t @ gained @ t
        return torch.eye(d, n, dtype=v.dtype, device=v.device) - v.mT @ (t @ v[:, :n])

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.frame().to(x.dtype)
