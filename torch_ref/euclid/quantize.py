"""E4, blocks of 8 weights at the nearest point of E8. Reference: `lyceum.personas.euclid.quantize`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lyceum.personas.euclid import quantize as reference
from torch_ref.registry import implements


@implements(reference.LatticeE8)
class LatticeE8(nn.Module):
    """Blocks -> codes, and codes -> blocks; no parameters."""

    def __init__(self, half_step: int, grid: int):
        super().__init__()
        self.half_step, self.grid = half_step, grid

    def encode(self, w: Tensor) -> Tensor:
        """w (n, 8) -> codes (n, 8) int32."""
        half, index = self.half_step, torch.arange(8, dtype=torch.int32, device=w.device)
        units = (w.float().clamp(-1, 1) * self.grid).round()
        # Half a unit keeps the quotient away from integers, so that no rounding of it changes the floor.
        below = ((units + 0.5) / (2 * half)).floor().int()
        rem = units.int() - 2 * half * below
        above = rem > half
        up = above.int()
        t = torch.where(above, 2 * half - rem, rem)
        far, near = 8 * t - index, 8 * t + index
        greatest, least = far.amax(-1, keepdim=True), near.amin(-1, keepdim=True)
        even, odd = below + up, below
        change_even, change_odd = total(even) % 2, total(odd) % 2
        # The index is in the last three bits: (greatest + 7) // 8 is the greatest t, least // 8 the least.
        excess = total(2 * t - half) + 4 * change_even * (half - (greatest + 7) // 8) - 4 * change_odd * (least // 8)
        even = torch.where((far == greatest) & (change_even == 1), below + 1 - up, even)
        odd = torch.where((near == least) & (change_odd == 1), below - 1 + 2 * up, odd)
        coset = excess > 0
        n = torch.where(coset, odd, even)
        last = n[:, 7:] - total(n[:, :7]) % 2 + coset.int()
        return torch.cat([n[:, :7], last], dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """codes (n, 8) -> (n, 8) float32, exact."""
        coset = codes[:, 7:] % 2
        last = codes[:, 7:] - coset + total(codes[:, :7]) % 2
        doubled = 2 * torch.cat([codes[:, :7], last], dim=1) + coset
        return doubled.float() * (self.half_step / self.grid)


def total(x: Tensor) -> Tensor:
    """The sum over the last axis, which keeps length 1, of x's dtype."""
    return x.sum(-1, keepdim=True, dtype=x.dtype)
