"""A4, genus and species: weights quantized by what they are, then by how they differ.

Idea. A definition names the genus and adds the difference. The genus of a block of 8 weights says in which box it lies;
each further bit halves the box.

Equations. Genus g has a centre c_g in R^8 and a radius R_g > 0. The species of a block w in the box
|w - c_g|_inf <= R_g is, in each coordinate, one of 2^b equal cells and decodes to the middle of it (mid-rise):
    s      = floor((w - c_g) / h) + 2^(b-1), clipped to 0 ... 2^b - 1,         h = R_g 2^(1-b)
    decode = c_g + (s - 2^(b-1) + 1/2) h
The cells are nested: s >> 1 is the cell of the same w at b - 1 bits. Encode: among all genera whose box contains w, the
one whose decoded point is nearest to w (squares added in pairs, ties to the lower index); its species is the cell of w.
Genus 0 is a box about 0 that contains every block, so every block has a genus.
`lyceum.personas.aristotle.quantize.boxes` chooses the genera.

Theorems (`lyceum.personas.aristotle.quantize.theorems`).
 1. |w - decode_k(w)|_inf <= R_g 2^-k for the first k = 0 ... b bits of every coordinate: a cell has half-width
    R_g 2^-k, and cells of the box cover it. So every bit halves the bound, and k = 0 gives the centre.
 2. Every prefix decodes: the first k bits of a species are the species at k bits, floor(floor(x) / 2) = floor(x / 2).
 3. decode(encode(w)) = w for every decoded point w, at full b. w lies in the box of a genus that decodes to it, at
    distance 0, and the nearest wins. Another genus of lower index may decode to the same point; then the code changes,
    but not the weights. (Without `nearest` this would not hold.)
 4. Decoding rounds once: centres and radii are float16 numbers, 11 bits, so (s - 2^(b-1) + 1/2) h is exact in float32
    for b <= 12, and one addition remains. Hence 3 holds in float32 and decoding is the same bit for bit in every
    backend, with fused multiply-add or without, provided R_g 2^-b is well above a unit in the last place of c_g;
    `boxes.FLOOR` ensures that.
Where codes may differ. The backends do the same float32 operations in the same order, so on a CPU their codes are
equal. Arithmetic that rounds differently may choose differently only where two squared distances differ by less than
2 sum |e| u (|d| + |e|) + 4 u sum e^2 each, e = w - d to the decoded points d, or where w is within u R_g of a wall.

Cost. b + g/8 bits a weight, and 9 float16 numbers a genus. Encoding: 8 * 2^g cells a block, all at once.
Sources: Equitz & Cover 1991 (successive refinement); AQLM (Egiazarian et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lyceum.personas.aristotle.quantize.boxes import BLOCK, boxes
from lyceum.personas.aristotle.quantize.theorems import theorems
from lyceum.personas.model.bit_planes import Planes
from lyceum.personas.spec.case import Case, representable
from lyceum.personas.spec.quantizer import Quantizer
from lyceum.personas.spec.system import System

BITS, MOST_BITS, EXTRA_BITS = 4, 8, 3  # a weight's species: in a large tensor, at most in another; a block's genus


@dataclass(frozen=True, eq=False)
class Genera(Planes):
    """centres (2^g, 8) and radii (2^g,): float32 arrays of float16 numbers. bits: b, 0 for the genus alone."""

    centres: np.ndarray = field(repr=False)
    radii: np.ndarray = field(repr=False)
    bits: int

    @property
    def middle(self) -> float:
        """Where a point decodes within its cell; without bits the only point is the centre."""
        return 0.5 if self.bits else 0.0

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Nothing is trained by gradients."""
        return {}

    def encode(self, p: dict[str, np.ndarray], w: np.ndarray) -> np.ndarray:
        """w (n, 8) inside the box of genus 0 -> codes (n, 9) int32: the genus, then the species of each coordinate."""
        centres, radii = self.centres.astype(w.dtype), self.radii.astype(w.dtype)
        half = 2**self.bits // 2
        away, h = w[:, None] - centres, (radii * 2.0 ** (1 - self.bits))[:, None]
        cell = np.clip(np.floor(away / h), -half, 2**self.bits - 1 - half)
        distance = total((w[:, None] - (centres + (cell + w.dtype.type(self.middle)) * h)) ** 2)
        distance[np.abs(away).max(-1) > radii] = np.inf
        genus = distance.argmin(-1)
        species = cell[np.arange(len(w)), genus] + half
        return np.concatenate([genus[:, None], species], axis=1).astype(np.int32)

    def decode(self, p: dict[str, np.ndarray], codes: np.ndarray) -> np.ndarray:
        """codes (n, 9) -> (n, 8) float64."""
        genus, species = codes[:, 0], codes[:, 1:].astype(np.float64)
        h = (self.radii[genus] * 2.0 ** (1 - self.bits)).astype(np.float64)
        return self.centres[genus] + (species - 2**self.bits // 2 + self.middle) * h[:, None]

    def tables(self) -> dict[str, np.ndarray]:
        """The arrays that a file needs besides codes."""
        return {"centres": self.centres.astype(np.float16), "radii": self.radii.astype(np.float16)}

    def planes(self) -> list[tuple[int, int]]:
        """(column of the codes, number of the bit), the genus first, then from coarse to fine."""
        genus = [(0, bit) for bit in reversed(range((len(self.radii) - 1).bit_length()))]
        return genus + [(1 + i, bit) for bit in reversed(range(self.bits)) for i in range(BLOCK)]


def restored(tables: dict[str, np.ndarray], bits: int) -> Genera:
    """The genera of `Genera.tables`."""
    return Genera(tables["centres"].astype(np.float32), tables["radii"].astype(np.float32), bits)


def total(x: np.ndarray) -> np.ndarray:
    """The sum over the last axis of 8, added in pairs: the order, and so each tie, is the same in every backend."""
    x = x[..., :4] + x[..., 4:]
    x = x[..., :2] + x[..., 2:]
    return x[..., 0] + x[..., 1]


def fit(blocks: np.ndarray, bits: int, stream: np.random.Generator, genus_bits: int = EXTRA_BITS) -> Genera:
    """Genera for blocks (n, 8) within [-1, 1], by `lyceum.personas.aristotle.quantize.boxes`; genus 0 contains all."""
    return Genera(*boxes(blocks, 2**genus_bits, stream), bits)


def random_genera(
    g: np.random.Generator, bits: int = 4, genus_bits: int = 3, n: int = 400
) -> tuple[Genera, np.ndarray]:
    """Genera fitted to random blocks of unequal size, and the blocks."""
    blocks = g.normal(size=(n, BLOCK)) * 2.0 ** -g.integers(1, 7, size=(n, 1))
    blocks = representable(blocks / np.abs(blocks).max())
    return fit(blocks, bits, g, genus_bits), blocks


GENERA, BLOCKS = random_genera(np.random.default_rng(4))
TWINS = Genera(np.zeros((4, BLOCK), np.float32), np.array([1, 0.5, 0.5, 0.25], np.float32), 2)


def _codes(g: np.random.Generator) -> tuple[np.ndarray]:
    return (np.concatenate([g.integers(0, 8, (64, 1)), g.integers(0, 16, (64, BLOCK))], axis=1).astype(np.int32),)


def _inside(g: np.random.Generator) -> tuple[np.ndarray]:
    # Well inside their cells, so that rounding moves them to no other cell in any precision.
    codes = _codes(g)[0][:40]
    width = GENERA.radii[codes[:, :1]] * 2.0**-GENERA.bits
    return (GENERA.decode({}, codes) + 0.1 * width * g.uniform(-1, 1, (40, BLOCK)),)


def _bare(g: np.random.Generator) -> tuple[np.ndarray]:
    return (np.pad(g.integers(0, 8, (64, 1)), ((0, 0), (0, BLOCK))).astype(np.int32),)


CASES = (
    Case("quantize: encode", GENERA, _inside, "encode"),
    Case(
        "quantize: encode, in and out of boxes",
        GENERA,
        lambda g: (BLOCKS[g.permutation(len(BLOCKS))],),
        "encode",
    ),
    Case("quantize: encode, one block of 8 bits", replace(GENERA, bits=8), lambda g: (BLOCKS[:1],), "encode"),
    Case("quantize: decode", GENERA, _codes, "decode"),
    Case("quantize: decode, no bits", replace(GENERA, bits=0), _bare, "decode"),
)
THEOREMS = theorems(TWINS, random_genera)


SYSTEM = System(
    "quantize",
    "A4, genus and species",
    job="a checkpoint in 4.5 bits a weight",
    command="lyceum quantize RUN",
    quantizer=Quantizer(BLOCK, BITS, MOST_BITS, EXTRA_BITS, fit, restored),
)
