"""E4, the lattice E8: weights by eights, each block moved to the nearest of points that lie as evenly as points can.

Idea. Eight numbers are a point. Let regular points be given, and take the nearest: the construction is exact, in whole
numbers, and it ends after two cases.

The lattice. E8 is D8 and D8 moved by (1/2, ..., 1/2), where D8 are the points of whole coordinates with an even sum.
Twice a point of it is a vector of whole numbers a, all even or all odd, with 4 | sum a. A block w is measured on a
grid, W = rint(2^16 w) once w is kept within [-1, 1], and lattice points on the same grid are a H: H is half a step.

Nearest point (Conway & Sloane 1982). In each coordinate 2f H <= W < 2(f + 1) H, rem = W - 2f H, up = [rem > H], and
t = min(rem, 2H - rem) is the distance from the nearest even multiple of H; that from the odd one between is H - t.
    even coset   n = f + up, a = 2n;  if sum n is odd, the place of greatest t takes its other neighbour, f + 1 - up
    odd coset    n = f, a = 2n + 1;   if sum n is odd, the place of least t takes its other neighbour, f - 1 + 2 up
The even coset's squared distance less the odd one's is H times the whole number
    sum (2t - H)  +  [its sum is odd] 4 (H - max t)  -  [the other's is odd] 4 min t,
for t^2 - (H - t)^2 = H (2t - H), and a coordinate at distance s that takes its other neighbour, at 2H - s, adds
4H (H - s). No square is formed. Ties: f before its neighbours, the first place, the even coset; a coordinate on a point
that must change goes up among the even ones, down among the odd.

Code. c_i = n_i for i < 8, and c_8 = n_8 - p + s with the parity p of n_1 + ... + n_7, which n_8 shares, and s = 1 in
the odd coset. That is a bijection of E8 and Z^8: every point has a code, so the lattice knows no overload; weights
beyond 1 are taken for 1. Decode: s = c_8 mod 2, n_8 = c_8 - s + p, w = (2n + s) H 2^-16.

A file keeps codes entropy-coded (`lyceum.personas.euclid.quantize.deflate`): points near 0 are common and cost little, equal rows cost
next to nothing. A group's step, one number, is the finest whose codes fit its bits, by bisection at the mean
proportional of two steps (`fit`).

Theorems.
 1. The point is nearest. In D8 each coordinate is a neighbour of w's: from another, 2 towards w keep the parity and are
    no farther. All take the nearer neighbour, or one the other, and 4H (H - s) is least where s is greatest.
 2. encode(decode(c)) = c for all c whose point lies within [-1, 1]: it is nearest to itself, and alone.
 3. No block is farther than a step 2H from its point, the covering radius of E8; the second moment per dimension is
    929 / 12960 = 0.07168 squared steps, that of rounding each weight 1/12 = 0.0833 (0.65 dB more).
 4. All codes are equal in every backend and precision: f = floor((W + 1/2) / 2H) is right however a device rounds, since
    W + 1/2 stays 1/4H away from all multiples and the quotient errs by less; the rest is on whole numbers below 2^19.
    (2n + s) H is below 2^18, so decoding does not round in float32.

Cost. 30 operations a weight at most, all blocks at once.
Sources: Conway & Sloane 1982 (nearest points; second moments); Gish & Pierce 1968 (entropy-coded lattices); Viazovska
2017 (densest in 8 dimensions); QuIP# 2024 (E8 for weights).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import isqrt

import numpy as np

from lyceum.personas.euclid.quantize.deflate import deflate, inflate
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System

BLOCK = 8
BITS, MOST_BITS, EXTRA_BITS = 4, 8, 1  # of a weight in a great tensor, at most in a small one; of a block beside them
GRID, FINEST, COARSEST = 2**16, 4, 2**13
SLACK = 64  # bytes: what deflating nothing takes


@dataclass(frozen=True)
class LatticeE8:
    """half_step: H, in grid units of 2^-16, from FINEST to COARSEST."""

    half_step: int

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Nothing is learned by descent."""
        return {}

    def encode(self, p: dict[str, np.ndarray], w: np.ndarray) -> np.ndarray:
        """w (n, 8), float32 numbers -> codes (n, 8) int32."""
        half, place = self.half_step, np.arange(BLOCK, dtype=np.int32)
        whole = grid(w)
        below = np.floor_divide(whole, 2 * half)
        rem = whole - 2 * half * below
        up = rem > half
        t = np.where(up, 2 * half - rem, rem)
        far, near = 8 * t - place, 8 * t + place
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
        return (2 * np.concatenate([codes[:, :7], last], axis=1) + coset) * (self.half_step / GRID)

    def tables(self) -> dict[str, np.ndarray]:
        """What a file has to keep besides codes."""
        return {"half_step": np.array([self.half_step], np.int32)}

    def pack(self, codes: np.ndarray) -> np.ndarray:
        """codes (n, 8) -> bytes (m,) uint8."""
        return deflate(codes)

    def unpack(self, packed: np.ndarray, count: int) -> np.ndarray:
        """The codes (count, 8) of `pack`."""
        return inflate(packed, (count, BLOCK))


def grid(w: np.ndarray) -> np.ndarray:
    """Blocks on the grid: whole numbers, int32. Exact but for the rounding to the grid."""
    return np.rint(np.clip(w.astype(np.float32), -1, 1) * np.float32(GRID)).astype(np.int32)


def restored(tables: dict[str, np.ndarray], bits: int) -> LatticeE8:
    """The lattice of `LatticeE8.tables`."""
    return LatticeE8(int(tables["half_step"][0]))


def fit(blocks: np.ndarray, bits: int, stream: np.random.Generator) -> LatticeE8:
    """The finest lattice, within 1 in 64, by which blocks (n, 8) within [-1, 1] take `bits` a weight and 1 a block."""
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
    # A little beside their points, so that no rounding of any precision moves them.
    return (COARSE.decode({}, _codes(g)[0]) + 0.1 * COARSE.half_step / GRID * g.uniform(-1, 1, (64, BLOCK)),)


CASES = (
    Case("lattice: encode", COARSE, _inside, "encode"),
    Case("lattice: encode, anywhere", COARSE, lambda g: (g.uniform(-1.1, 1.1, (400, BLOCK)),), "encode"),
    Case("lattice: encode, a contract's row", FINE, lambda g: (0.1 * g.normal(size=(4, BLOCK)),), "encode"),
    Case("lattice: encode, one block of zeros", COARSE, lambda g: (np.zeros((1, BLOCK)),), "encode"),
    Case("lattice: decode", COARSE, _codes, "decode"),
    Case("lattice: decode, one block", FINE, lambda g: (g.integers(-800, 800, (1, BLOCK)).astype(np.int32),), "decode"),
)


def _points(evaluate, lattice: LatticeE8, w: np.ndarray) -> np.ndarray:
    return evaluate(lattice, {}, "decode", evaluate(lattice, {}, "encode", w).astype(np.int32))


def least(w: np.ndarray, half_step: int) -> np.ndarray:
    """By brute force, the least squared distance, on the grid, from w (n, 8) to points within a step in each place."""
    found = np.full(len(w), np.inf)
    for i, block in enumerate(grid(w).astype(np.int64)):
        for coset in (0, 1):
            near = 2 * (block // (2 * half_step))[:, None] + np.arange(-2, 5, 2) + coset
            choices = [a[np.abs(a * half_step - x) <= 2 * half_step] for a, x in zip(near, block, strict=True)]
            points = np.array([a for a in product(*choices) if sum(a) % 4 == 0])
            found[i] = min(found[i], ((points * half_step - block) ** 2).sum(-1).min())
    return found


def _nearest(evaluate, g):
    # Anywhere, and on the walls between cells, where every rule for ties must find one of the nearest.
    w = np.concatenate([representable(g.uniform(-1, 1, (30, BLOCK))), g.integers(-32, 33, (30, BLOCK)) / 32])
    sides = [(GRID * _points(evaluate, lattice, w) - grid(w), lattice) for lattice in (COARSE, TIES)]
    return np.stack([(away**2).sum(-1) for away, _ in sides]), np.stack([least(w, one.half_step) for _, one in sides])


def _bijection(evaluate, g):
    codes = g.integers(-5, 5, (500, BLOCK))
    points = evaluate(COARSE, {}, "decode", codes.astype(np.int32))
    return evaluate(COARSE, {}, "encode", points), codes


def _idempotence(evaluate, g):
    once = _points(evaluate, FINE, representable(g.normal(0, 0.3, (500, BLOCK))))
    return _points(evaluate, FINE, once), once


def _ties(evaluate, g):
    w = g.integers(-16, 17, (2000, BLOCK)) / 16.0
    return evaluate(TIES, {}, "encode", w), TIES.encode({}, w)


THEOREMS = (
    Theorem("lattice: nearest", "no point of E8 is nearer, by brute force", _nearest, 1, exact=True),
    Theorem("lattice: bijection", "every 8 whole numbers are the code of one point", _bijection, 1, exact=True),
    Theorem("lattice: idempotence", "quantizing quantized weights changes nothing", _idempotence, 1, exact=True),
    Theorem("lattice: ties", "on the walls every backend takes the same side", _ties, 1, exact=True),
)


SYSTEM = System(
    "quantize", "E4, the lattice E8", job="a checkpoint in at most 4.5 bits a weight", command="lyceum quantize RUN"
)
