"""A5, the square of opposition: rotary positions by token and by sentence.

Idea. A token has a position t in the text and a sentence s in the argument. What it has to do with another depends on
how far apart they are in both, and on whether they are on one side or opposed. There are two oppositions, so four
corners, and each head sees from one of them.

Equations.  s_t = number of sentence ends among ids[0 .. t-1]: the end of a sentence belongs to that sentence.
A vector x of width w has w/2 pairs (x_i, x_{i+w/2}). Pair i turns by the angle t f_i + s h_i, the first half of the
pairs with t (h = 0), the second with s (f = 0), at frequencies base^(-j/n), j = 0 .. n-1, n = w/4:
    R(t, s) x = chi(t, s) (x cos + J x sin),   J (x_i, x_{i+w/2}) = (-x_{i+w/2}, x_i),   chi(t, s) = (-1)^(a t + b s);
the heads take the corners (a, b) = 00, 01, 10, 11 in turn. Queries and keys are turned alike, so chi is in the score.
The chi are the four characters of the Klein group Z2 x Z2. On a pair that turns with t the sign (-1)^t is a shift of
frequency, f -> f + pi, and so is (-1)^s on one that turns with s; crosswise the sign is new: "the same distance, but
opposed". A single head has corner 00: a key that all heads share. Base 100: the slowest pair of a head of width 8 turns
once in 63 tokens, about a block.

Theorems (`lyceum.personas.aristotle.rope.theorems`).
 1. R(t, s) R(t', s') = R(t + t', s + s'); R leaves norms unchanged.
 2. The score (R(t, s) q) . (R(t', s') k) depends only on (t - t', s - s').
 3. chi_c chi_d = chi_(c xor d) for corners c, d; the four add up to 4 where t and s are even, else to 0.
 4. Causality: (t, s) is a function of the ids before t, and longer texts only add positions.
Proofs. (t, s) -> angle is linear, so e^(i angle) is a character of Z x Z; so is each chi, hence their product: 1. The
sum in 3 is (1 + (-1)^t) (1 + (-1)^s). A rotation or its negative is orthogonal, so R(t', s')^T = R(-t', -s'), and 1
gives 2. So generation caches turned keys, and (t, s) of the next token.

Cost: no parameters; cos and sin once a forward pass, O(B H T w); 3 w operations for each vector turned.
Sources: Aristotle, De Interpretatione 7; Su et al. 2021 (RoPE); Gottschalk 1953 (the square as the Klein group).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from lyceum import corpus
from lyceum.personas.aristotle.rope.theorems import theorems
from lyceum.personas.baseline.attention import turned
from lyceum.personas.properties.sequences import continuation
from lyceum.personas.spec import tiny
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System

ENDS = re.compile(rb"[.!?][\s\"')\]-]*$")
CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def sentence_ends(vocabulary: Iterable[bytes]) -> np.ndarray:
    """(V,) int32: 1 for a token that ends a sentence, closing marks included; else 0."""
    return np.array([ENDS.search(token) is not None for token in vocabulary], np.int32)


def square(width: int, n_head: int, ends: np.ndarray, base: float = 100.0) -> Opposition:
    """The reference for n_head heads of `width`, a multiple of 4. ends: (V,), see `sentence_ends`."""
    falling = base ** (-np.arange(width // 4) / (width // 4))
    # Rounded to float32 here, once, so that reference and backends read the same numbers in every precision.
    frequencies = np.kron(np.eye(2), falling).astype(np.float32)
    return Opposition(ends, frequencies, np.array([CORNERS[h % 4] for h in range(n_head)], np.int32))


@dataclass(frozen=True, eq=False)
class Opposition:
    """ends (V,) int32. frequencies (2, w/2) float32: f and h, radians a token and a sentence. corners (H, 2) int32."""

    ends: np.ndarray = field(repr=False)
    frequencies: np.ndarray = field(repr=False)
    corners: np.ndarray = field(repr=False)

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Nothing is learned."""
        return {}

    def positions(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> (t, s), (B, T, 2) int32."""
        ended = self.ends[ids]
        t = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        return np.stack([t, np.cumsum(ended, axis=1) - ended], axis=-1).astype(np.int32)

    def rotation(self, p: dict[str, np.ndarray], x: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """positions (t, s), (B, T, 2) integers of any sign -> chi cos, chi sin, (B, H, T, w) each, in x's dtype."""
        angle = (position @ self.frequencies.astype(np.float64))[:, None]
        chi = (-1.0) ** (position @ self.corners.T % 2).transpose(0, 2, 1)[..., None]
        cos, sin = chi * np.cos(angle), chi * np.sin(angle)
        return np.concatenate([cos, cos], axis=-1), np.concatenate([-sin, sin], axis=-1)

    def turn(self, p: dict[str, np.ndarray], x: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Queries or keys x (B, H, T, w), positions (t, s), (B, T, 2) -> R(t, s) x, the same shape."""
        return turned(x, *self.rotation(p, x, position))

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, ...]:
        """x (B, T, d), ids (B, T) -> x unchanged, cos and sin."""
        return x, *self.rotation(p, x, self.positions(p, ids))

    def start(self, batch: int) -> tuple[np.ndarray]:
        """(t, s) of the first token, (B, 2) int32."""
        return (np.zeros((batch, 2), np.int32),)

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, ...]:
        """((t, s) of the first of n new tokens, x (B, n, d), ids (B, n)) -> that after them, x, cos and sin."""
        position, x, ids = arguments
        after = position + np.stack([np.full(len(ids), ids.shape[1]), self.ends[ids].sum(1)], axis=-1)
        return after.astype(np.int32), x, *self.rotation(p, x, position[:, None] + self.positions(p, ids))


ENDS_OF_SEVEN = np.array([0, 0, 1, 0, 0, 1, 0], np.int32)  # a vocabulary of seven tokens, two of which end a sentence
IDS = np.array([[0, 3, 2], [5, 1, 4]], np.int32)  # two texts; the last token of the first ends a sentence
NARROW, WIDE, CONTRACT = (square(width, heads, ENDS_OF_SEVEN) for width, heads in ((4, 2), (16, 3), (8, 4)))


def _positioned(batch: int, heads: int, length: int, width: int, reach: int = 9):
    """Vectors, and positions of either sign for them."""
    size = batch, length, 2
    return lambda g: (g.normal(size=(batch, heads, length, width)), g.integers(-reach, reach, size).astype(np.int32))


def _stream(batch: int, length: int, below: int = 7):
    return lambda g: (g.normal(size=(batch, length, 8)), g.integers(0, below, (batch, length)).astype(np.int32))


CASES = (
    Case("rope: turn", WIDE, _positioned(2, 3, 5, 16), "turn"),
    Case("rope: turn, the contract's sizes", CONTRACT, _positioned(8, 4, 64, 8, 64), "turn"),
    Case("rope: turn, one key for all heads", CONTRACT, _positioned(2, 1, 6, 8), "turn"),
    Case("rope: turn, one pair for t and one for s", NARROW, _positioned(1, 2, 6, 4), "turn"),
    Case("rope: turn, at the origin", WIDE, _positioned(1, 3, 3, 16, 1), "turn"),
    Case("rope: rotation", CONTRACT, _stream(2, 16)),
    Case("rope: rotation, one token", CONTRACT, _stream(3, 1)),
    Case("rope: rotation, no sentence ends", CONTRACT, _stream(2, 5, 2)),
    Case("rope: three tokens more", CONTRACT, lambda g: (g.integers(0, 9, (2, 2)), _stream(2, 3)(g)[0], IDS), "step"),
)
THEOREMS = (*theorems(NARROW, WIDE, CONTRACT), continuation("rope", CONTRACT, _stream(3, 20), length=4))


SYSTEM = System(
    "rope",
    "A5, the square of opposition",
    job="positions: rotary, by token and by sentence",
    module="position",
    tables=lambda ids: {"ends": sentence_ends(corpus.vocabulary())},
    tiny_tables=lambda: {"ends": (np.arange(tiny.N_VOCAB) % 9 == 0).astype(np.int32)},  # one id in nine ends a sentence
    build=lambda modules, sizes, tables: {
        "position": square(sizes.n_embd // sizes.n_head, sizes.n_head, tables["ends"])
    },
)
