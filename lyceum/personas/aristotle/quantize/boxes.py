"""The genera of blocks of weights: centres and radii of their boxes.

They are computed once, in NumPy, from the weights; `lyceum.personas.aristotle.quantize` uses them.

Half of the genera are boxes about 0 whose radii fall geometrically over three octaves: they sort blocks by size. The
others are boxes about the codewords of a seeded k-means: they sort by direction. A block in a box of radius R costs
R^2, its squared error up to a factor, so a few distant members are expensive. Hence sweeps: every block goes to the
cheapest box that contains it, and every box but the first shrinks to the radius r at which

    (members within r) * r^2  +  the cost, in their next cheapest box, of the members left outside

is least. (Measured on a trained output table at 4.375 bits a weight, about: k-means with the radius of its worst member
18 dB, with sweeps 21.3, both halves and sweeps 22.5; groups of 64 with a scale and an offset, 4.5 bits, 22.5.)

Centres and radii are float16 numbers, radii rounded upwards, so that decoding needs one rounding.
Sources: Lloyd 1982; Gersho & Gray 1992, ch. 12 (shape and gain).
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.cluster.vq import kmeans2

BLOCK = 8
OCTAVES, SWEEPS, SAMPLE = 3, 6, 20_000
FLOOR = 2.0**-10  # the least radius: its cells at 8 bits are well above a float32 ulp of a centre up to 1


def boxes(blocks: np.ndarray, count: int, stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centres (count, 8) and radii (count,), float32, for blocks (n, 8) within [-1, 1]; fewer if there are few blocks.

    The first box contains every block; the others are fitted to SAMPLE blocks that `stream` draws.
    """
    sample = blocks[stream.choice(len(blocks), min(SAMPLE, len(blocks)), replace=False)].astype(np.float64)
    sizes = count // 2
    distinct = np.unique(sample, axis=0)
    start = distinct[stream.choice(len(distinct), min(sizes, len(distinct)), replace=False)]
    with warnings.catch_warnings(action="ignore"):  # a codeword that loses all its blocks does not move
        words, _ = kmeans2(sample, start, minit="matrix")
    centres = np.concatenate([np.zeros((sizes, BLOCK)), words]).astype(np.float16).astype(np.float64)
    reach = np.abs(sample[:, None] - centres).max(-1)
    ladder = np.abs(blocks).max(initial=0) * 2.0 ** (-OCTAVES * np.arange(sizes) / sizes)
    nearest = reach[:, sizes:].argmin(-1)
    furthest = [reach[nearest == k, sizes + k].max(initial=0) for k in range(len(words))]
    radii = np.concatenate([ladder, furthest])
    for _ in range(SWEEPS):
        radii = shrunk(reach, radii)
    return centres.astype(np.float32), upwards(np.maximum(radii, FLOOR))


def shrunk(reach: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """One sweep over the boxes but the first. reach (n, 2^g): how far each block is from each centre."""
    cost = np.where(reach <= radii, radii**2, np.inf)
    cost[:, 0] = radii[0] ** 2
    cheapest = cost.argmin(-1)
    others = cost.copy()
    others[np.arange(len(cost)), cheapest] = np.inf
    elsewhere, new = np.minimum(others.min(-1), radii[0] ** 2), radii.copy()
    for genus in range(1, len(radii)):
        members = np.flatnonzero(cheapest == genus)
        if len(members):
            members = members[np.argsort(reach[members, genus], kind="stable")]
            r, left = reach[members, genus], elsewhere[members]
            outside = left.sum() - np.cumsum(left)
            new[genus] = r[np.argmin(np.arange(1, len(r) + 1) * r**2 + outside)]
    return new


def upwards(x: np.ndarray) -> np.ndarray:
    """The least float16 numbers not below x, as float32."""
    rounded = x.astype(np.float16)
    return np.where(rounded < x, np.nextafter(rounded, np.float16(np.inf)), rounded).astype(np.float32)
