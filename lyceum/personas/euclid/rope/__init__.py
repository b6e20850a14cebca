"""E5, two mirrors: rotary positions whose planes and angles are learned.

Idea. Two mirrors that meet make a turn, by twice the angle between them, in the plane that both are perpendicular to;
and every turn is made of such pairs. So each head places its mirrors, and thereby the planes in which its queries and
keys turn as the text goes on; and it learns how fast each plane turns.

Equations, for a head of width w with mirrors v_1 .. v_n (n = 2^m >= w), angles theta (w/2) and gains g (w):
    P_i = 1 - 2 v_i v_i^T / max(|v_i|^2, tiny),   Q = P_1 P_2 ... P_n,   R_t = Q rot(t theta) Q^T,
rot turning the pair (i, i + w/2) by t theta_i. A query or key x at position t, with N(x) = x / sqrt(mean x^2 + eps),
becomes  rot(t theta) Q^T (g * N(x)).  This is R_t (g * N(x)) without its last Q, which is common to queries and keys
and changes neither products nor distances. The mixers get cos, sin and the frame diag(g) Q.

Why the gain. Without a norm the projections absorb Q^T. A plain norm N does not help: it commutes with every rotation,
Q^T N(W x) = N(Q^T W x), so Q adds nothing to W. With a gain for each coordinate, as in QK-norm, queries and keys lie on
an ellipsoid, a sphere mapped by A = Q^T diag(g), with A A^T = Q^T diag(g^2) Q: the mirrors orient its axes among the
planes of rotation; without mirrors the axes are the coordinate axes. Only turns within those planes, which commute with
rot, have no effect.

Initial values. The mirrors come in equal pairs, so Q = 1; gains are 1, and angles are base^(-2i/w): rotary positions
with normalised queries and keys. All parameters have rank 1, so weight decay does not apply to angles and gains. The
gradient with respect to a mirror is perpendicular to it, so its length has no effect and does not shrink.

Theorems (`lyceum.personas.euclid.rope.theorems`).
 1. Q^T Q = 1.   2. R_t^T R_s = R_{s-t};  the score of two positions depends on their difference alone.
 3. Two mirrors at an angle turn by twice that angle, in their plane, and fix every vector perpendicular to it.
 4. With equal gains Q is absorbed: planes Q for x are the coordinates' planes for Q^T x.
 5. Continuation: positions go on from the cached one, and depend on t alone.
Proofs. P_i is symmetric and its own inverse: 1. rot(t theta)^T rot(s theta) = rot((s - t) theta), with Q^T Q = 1: 2.
With v_1 . v_2 = cos a, P_1 P_2 fixes the vectors perpendicular to both, and has trace w - 4 + 4 cos^2 a =
w - 2 + 2 cos 2a: 3. |Q^T x| = |x|: 4.

Product. Mirrors are multiplied in pairs, and these products in pairs again: m products of w x w matrices, without a
loop over mirrors, and without the inverse of the compact form, which nearly equal mirrors would make inaccurate.

Cost: H (n w + 3 w / 2) parameters, 352 at the contract's sizes; n w^3 H operations a forward pass for Q, and w^2 more
than rotary positions for each query and key.
Sources: Euclid, Elements XI (planes and their angles); Cartan-Dieudonne; Ostmeier 2024 (LieRE), Schenck 2025 (STRING);
Henry et al. 2020 (QK-norm); Dehghani et al. 2023 (its gain).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.attention import turned
from lyceum.personas.euclid.rope.theorems import theorems
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Mirrors:
    """n_head: heads H. width: the width w of a head; PersonaError if it is odd. base: of the initial angles.

    tiny: the least squared length of a mirror; a shorter mirror reflects less, and at 0 not at all.
    """

    n_head: int
    width: int
    base: float = 100.0
    tiny: float = 1e-6

    def __post_init__(self):
        if self.width % 2:
            raise PersonaError(f"planes take two coordinates each, so a head's width is even, not {self.width}.")

    @property
    def n_mirror(self) -> int:
        """The least power of two that is not below w; so many mirrors make every rotation."""
        return 1 << (self.width - 1).bit_length()

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"mirrors": (H n w,), "angles": (H w/2,), "gain": (H w,)}: unit vectors in equal pairs, rotary angles, 1."""
        heads, half = self.n_head, self.width // 2
        pairs = stream.normal(size=(heads, self.n_mirror // 2, 1, self.width)).repeat(2, axis=2)
        return {
            "mirrors": (pairs / np.linalg.norm(pairs, axis=-1, keepdims=True)).ravel(),
            "angles": np.tile(self.base ** (-np.arange(half) / half), heads),
            "gain": np.ones(heads * self.width),
        }

    def frame(self, p: dict[str, np.ndarray]) -> np.ndarray:
        """diag(g) Q of each head, (H, w, w): a row times it is the column Q^T (g * x)."""
        q = np.broadcast_to(np.eye(self.width), (self.n_head, self.width, self.width))
        for v in p["mirrors"].reshape(self.n_head, self.n_mirror, self.width).swapaxes(0, 1):
            square = np.maximum((v**2).sum(-1), self.tiny)[:, None, None]
            q = q - 2 * (q @ v[:, :, None]) @ v[:, None] / square
        return p["gain"].reshape(self.n_head, self.width, 1) * q

    def rotation(self, p: dict[str, np.ndarray], x: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, ...]:
        """position (B, T), integers of any sign -> cos and sin, (B, H, T, w), and the frame (H, w, w)."""
        angle = position[:, None, :, None] * p["angles"].reshape(self.n_head, 1, -1)
        cos, sin = np.cos(angle), np.sin(angle)
        return np.concatenate([cos, cos], axis=-1), np.concatenate([-sin, sin], axis=-1), self.frame(p)

    def turn(self, p: dict[str, np.ndarray], x: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Queries or keys x (B, H, T, w), position (B, T) -> x turned, the same shape."""
        return turned(x, *self.rotation(p, x, position))

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, ...]:
        """x (B, T, d), ids (B, T) -> x unchanged, and for the mixers cos and sin (1, H, T, w) and the frame."""
        return x, *self.rotation(p, x, np.arange(x.shape[1])[None])

    def start(self, batch: int) -> tuple[np.ndarray]:
        """The position of the first token, (B,) int32."""
        return (np.zeros(batch, np.int32),)

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, ...]:
        """(position (B,), n new tokens x (B, n, d), ids (B, n)) -> the position after them, x, cos, sin, the frame."""
        position, x, _ = arguments
        return position + x.shape[1], x, *self.rotation(p, x, position[:, None] + np.arange(x.shape[1]))


CONTRACT, NARROW, ODD = Mirrors(4, 8), Mirrors(2, 2), Mirrors(3, 6)


def positioned(batch: int, spec: Mirrors, length: int, reach: int = 9):
    """Vectors, and positions of either sign."""
    size = batch, length
    return lambda g: (
        g.normal(size=(batch, spec.n_head, length, spec.width)),
        g.integers(-reach, reach, size).astype(np.int32),
    )


def _stream(batch: int, length: int):
    return lambda g: (g.normal(size=(batch, length, 8)), np.zeros((batch, length), np.int32))


def _step(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return np.array([5, 0], np.int32), *_stream(2, 3)(g)


def _zeros(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    x, position = positioned(2, CONTRACT, 5)(g)
    return np.where(position[:, None, :, None] > 0, x, 0.0), position


CASES = (
    Case("mirrors: turn", CONTRACT, positioned(2, CONTRACT, 5), "turn"),
    Case("mirrors: turn, the contract's sizes", CONTRACT, positioned(8, CONTRACT, 64, 64), "turn"),
    Case("mirrors: turn, one plane", NARROW, positioned(2, NARROW, 5), "turn"),
    Case("mirrors: turn, more mirrors than width", ODD, positioned(1, ODD, 5), "turn"),
    Case("mirrors: turn, initial values", CONTRACT, positioned(2, CONTRACT, 5), "turn", noise=0.0),
    Case("mirrors: turn, zeros", CONTRACT, _zeros, "turn"),
    Case("mirrors: rotation", CONTRACT, _stream(2, 16)),
    Case("mirrors: rotation, one token", CONTRACT, _stream(3, 1)),
    Case("mirrors: three tokens after five, and after none", CONTRACT, _step, "step"),
)
THEOREMS = theorems(CONTRACT)


SYSTEM = System(
    "rope",
    "E5, two mirrors",
    job="positions: rotary, in learned planes with learned angles; queries and keys normalised",
    module="position",
    build=lambda modules, sizes, tables: {"position": Mirrors(sizes.n_head, sizes.n_embd // sizes.n_head)},
)
