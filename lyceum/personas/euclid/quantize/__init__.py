"""E4, the lattice E8: weights in blocks of eight, each rounded to the nearest point of a lattice.

Idea. Eight numbers are a point. Let regular points be given, and take the nearest: the construction is exact, in whole
numbers, and it ends after two cases.

The lattice. E8 is D8 and D8 moved by (1/2, ..., 1/2), where D8 are the points of integer coordinates with an even sum.
Twice a point of it is a vector of integers a, all even or all odd, with 4 | sum a. A block w is measured on a grid,
W = rint(2^16 w) after w is clipped to [-1, 1], and lattice points on the same grid are a H: H is half a step.

Nearest point (Conway & Sloane 1982). In each coordinate 2f H <= W < 2(f + 1) H, rem = W - 2f H, up = [rem > H], and
t = min(rem, 2H - rem) is the distance from the nearest even multiple of H; that from the odd one between is H - t.
    even coset   n = f + up, a = 2n;  if sum n is odd, the coordinate of greatest t takes the other side, f + 1 - up
    odd coset    n = f, a = 2n + 1;   if sum n is odd, the coordinate of least t takes the other side, f - 1 + 2 up
The even coset's squared distance less the odd one's is H times the integer
    sum (2t - H)  +  [its sum is odd] 4 (H - max t)  -  [the other's is odd] 4 min t,
for t^2 - (H - t)^2 = H (2t - H), and a coordinate at distance s that takes the other side, at 2H - s, adds
4H (H - s). No square is formed. Ties: f before its neighbours, the first coordinate, the even coset; a coordinate that
lies on a lattice value and must change goes up in the even coset, down in the odd one.

Code. c_i = n_i for i < 8, and c_8 = n_8 - p + s with the parity p of n_1 + ... + n_7, which n_8 shares, and s = 1 in
the odd coset. That is a bijection of E8 and Z^8: every point has a code, so the lattice has no overload; weights
beyond 1 are clipped to 1. Decode: s = c_8 mod 2, n_8 = c_8 - s + p, w = (2n + s) H 2^-16.

A file stores codes entropy-coded (`lyceum.personas.euclid.quantize.deflate`): points near 0 are frequent and cost
little, equal rows cost next to nothing. A group has one step, the finest whose codes fit its bits, found by bisection
at the geometric mean of two steps (`fit`).

Theorems (`lyceum.personas.euclid.quantize.theorems`).
 1. The point is nearest. In D8 each coordinate is a neighbour of w's: from any other, 2 towards w keep the parity and
    are no farther. All take the nearer neighbour, or one the other, and 4H (H - s) is least where s is greatest.
 2. encode(decode(c)) = c for all c whose point lies within [-1, 1]: it alone is nearest to itself.
 3. No block is farther than a step 2H from its point, the covering radius of E8; the second moment per dimension is
    929 / 12960 = 0.07168 squared steps; rounding each weight has 1/12 = 0.0833 (0.65 dB more).
 4. All codes are equal in every backend and precision: f = floor((W + 1/2) / 2H) is right in any rounding mode, since
    W + 1/2 stays 1/4H away from all multiples and the quotient errs by less; the rest is on integers below 2^19.
    (2n + s) H is below 2^18, so decoding does not round in float32.

Cost. 30 operations a weight at most, all blocks at once.
Sources: Conway & Sloane 1982 (nearest points; second moments); Gish & Pierce 1968 (entropy-coded lattices); Viazovska
2017 (densest in 8 dimensions); QuIP# 2024 (E8 for weights).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from lyceum.personas.euclid.quantize.deflate import deflate, inflate
from lyceum.personas.euclid.quantize.theorems import theorems
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.quantizer import Quantizer
from lyceum.personas.spec.system import System

BLOCK = 8
BITS, MOST_BITS, EXTRA_BITS = 4, 8, 1  # of a weight in a large tensor; at most in another; of a block, besides
FINEST, COARSEST = 4, 2**13  # half steps
SLACK = 64  # bytes that an empty deflate stream takes


@dataclass(frozen=True)
class LatticeE8:
    """half_step: H, in grid units, from FINEST to COARSEST. grid: how many grid units 1 is."""

    half_step: int
    grid: int = 2**16

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """There are no parameters."""
        return {}

    def encode(self, p: dict[str, np.ndarray], w: np.ndarray) -> np.ndarray:
        """w (n, 8), float32 values -> codes (n, 8) int32."""
        half, index = self.half_step, np.arange(BLOCK, dtype=np.int32)
        units = self.on_grid(w)
        below = np.floor_divide(units, 2 * half)
        rem = units - 2 * half * below
        up = rem > half
        t = np.where(up, 2 * half - rem, rem)
        far, near = 8 * t - index, 8 * t + index
        farthest, nearest = far == far.max(-1, keepdims=True), near == near.min(-1, keepdims=True)
        even, odd = below + up, below
        change_even, change_odd = even.sum(-1, keepdims=True) % 2, odd.sum(-1, keepdims=True) % 2
        excess = (2 * t - half).sum(-1, keepdims=True)
        excess = excess + 4 * change_even * (half - t.max(-1, keepdims=True))
        excess = excess - 4 * change_odd * t.min(-1, keepdims=True)
        even = np.where(farthest & (change_even == 1), below + 1 - up, even)
        odd = np.where(nearest & (change_odd == 1), below - 1 + 2 * up, odd)
        coset = excess > 0
        n = np.where(coset, odd, even)
        last = n[:, 7:] - n[:, :7].sum(-1, keepdims=True) % 2 + coset
        return np.concatenate([n[:, :7], last], axis=1).astype(np.int32)

    def decode(self, p: dict[str, np.ndarray], codes: np.ndarray) -> np.ndarray:
        """codes (n, 8) -> (n, 8) float64."""
        coset = codes[:, 7:] % 2
        last = codes[:, 7:] - coset + codes[:, :7].sum(-1, keepdims=True) % 2
        return (2 * np.concatenate([codes[:, :7], last], axis=1) + coset) * (self.half_step / self.grid)

    def tables(self) -> dict[str, np.ndarray]:
        """What a file stores besides the codes."""
        return {"half_step": np.array([self.half_step], np.int32)}

    def pack(self, codes: np.ndarray) -> np.ndarray:
        """codes (n, 8) -> bytes (m,) uint8."""
        return deflate(codes)

    def unpack(self, packed: np.ndarray, count: int) -> np.ndarray:
        """The codes (count, 8) of `pack`."""
        return inflate(packed, (count, BLOCK))

    def on_grid(self, w: np.ndarray) -> np.ndarray:
        """w (n, 8), clipped to [-1, 1] -> the nearest grid points, (n, 8) int32 in grid units."""
        return np.rint(np.clip(w.astype(np.float32), -1, 1) * np.float32(self.grid)).astype(np.int32)


def restored(tables: dict[str, np.ndarray], bits: int) -> LatticeE8:
    """The lattice that has these `LatticeE8.tables`."""
    return LatticeE8(int(tables["half_step"][0]))


def fit(blocks: np.ndarray, bits: int, stream: np.random.Generator) -> LatticeE8:
    """The finest lattice, to 1 in 64, with which blocks (n, 8) in [-1, 1] take `bits` a weight and 1 a block."""
    allowed = SLACK + len(blocks) * (BLOCK * bits + EXTRA_BITS) // 8
    fine, coarse = FINEST, COARSEST
    while coarse - fine > coarse // 64:
        middle = LatticeE8(isqrt(fine * coarse))
        if len(middle.pack(middle.encode({}, blocks))) <= allowed:
            coarse = middle.half_step
        else:
            fine = max(middle.half_step, fine + 1)
    return LatticeE8(coarse)


COARSE, FINE, TIES = LatticeE8(3000), LatticeE8(37), LatticeE8(2**12)


def _codes(g: np.random.Generator) -> tuple[np.ndarray]:
    return (g.integers(-5, 5, (64, BLOCK)).astype(np.int32),)


def _inside(g: np.random.Generator) -> tuple[np.ndarray]:
    # Close to lattice points, so that no rounding of any precision changes their codes.
    return (COARSE.decode({}, _codes(g)[0]) + 0.1 * COARSE.half_step / COARSE.grid * g.uniform(-1, 1, (64, BLOCK)),)


CASES = (
    Case("lattice: encode", COARSE, _inside, "encode"),
    Case("lattice: encode, anywhere", COARSE, lambda g: (g.uniform(-1.1, 1.1, (400, BLOCK)),), "encode"),
    Case("lattice: encode, a contract's row", FINE, lambda g: (0.1 * g.normal(size=(4, BLOCK)),), "encode"),
    Case("lattice: encode, one block of zeros", COARSE, lambda g: (np.zeros((1, BLOCK)),), "encode"),
    Case("lattice: decode", COARSE, _codes, "decode"),
    Case("lattice: decode, one block", FINE, lambda g: (g.integers(-800, 800, (1, BLOCK)).astype(np.int32),), "decode"),
)
THEOREMS = theorems(COARSE, FINE, TIES)


SYSTEM = System(
    "quantize",
    "E4, the lattice E8",
    job="a checkpoint in at most 4.5 bits a weight",
    command="lyceum quantize RUN",
    quantizer=Quantizer(BLOCK, BITS, MOST_BITS, EXTRA_BITS, fit, restored),
)
