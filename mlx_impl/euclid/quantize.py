"""E4, blocks of 8 weights at the nearest point of E8. Reference: `lyceum.personas.euclid.quantize`."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from lyceum.personas.euclid import quantize as reference
from mlx_impl.registry import implements


@implements(reference.LatticeE8)
class LatticeE8(nn.Module):
    """Blocks -> codes, and codes -> blocks; no parameters."""

    def __init__(self, half_step: int, grid: int):
        super().__init__()
        self.half_step, self.grid = half_step, grid

    def encode(self, w: mx.array) -> mx.array:
        """w (n, 8) -> codes (n, 8) int32."""
        half, index = self.half_step, mx.arange(8, dtype=mx.int32)
        units = mx.round(mx.clip(w.astype(mx.float32), -1, 1) * self.grid)
        # Half a unit keeps the quotient away from integers, so that no rounding of it changes the floor.
        below = mx.floor((units + 0.5) / (2 * half)).astype(mx.int32)
        rem = units.astype(mx.int32) - 2 * half * below
        above = rem > half
        up = above.astype(mx.int32)
        t = mx.where(above, 2 * half - rem, rem)
        far, near = 8 * t - index, 8 * t + index
        greatest, least = far.max(-1, keepdims=True), near.min(-1, keepdims=True)
        even, odd = below + up, below
        # Parities by remainder, for MLX maps (vmap) the bitwise "and" of a slice to garbage.
        change_even, change_odd = total(even) % 2, total(odd) % 2
        # The index is in the last three bits: (greatest + 7) // 8 is the greatest t, least // 8 the least.
        excess = total(2 * t - half) + 4 * change_even * (half - (greatest + 7) // 8) - 4 * change_odd * (least // 8)
        even = mx.where((far == greatest) & (change_even == 1), below + 1 - up, even)
        odd = mx.where((near == least) & (change_odd == 1), below - 1 + 2 * up, odd)
        coset = excess > 0
        n = mx.where(coset, odd, even)
        last = n[:, 7:] - total(n[:, :7]) % 2 + coset.astype(mx.int32)
        return mx.concatenate([n[:, :7], last], axis=1)

    def decode(self, codes: mx.array) -> mx.array:
        """codes (n, 8) -> (n, 8) float32, exact."""
        coset = codes[:, 7:] % 2
        last = codes[:, 7:] - coset + total(codes[:, :7]) % 2
        doubled = 2 * mx.concatenate([codes[:, :7], last], axis=1) + coset
        return doubled.astype(mx.float32) * (self.half_step / self.grid)


def total(x: mx.array) -> mx.array:
    """The sum over the last axis, which keeps length 1."""
    return x.sum(-1, keepdims=True)
