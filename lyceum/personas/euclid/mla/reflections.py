"""Mirrors (for E6): the perpendicular to a plane, whose lines at right angles are made from reflections.

Equations.  v_1 .. v_r, the rows of "weight", are learned; the plane is given by the frame F, d x r:
    c = F^T x,    F = H_1 H_2 ... H_r [e_1 .. e_r],    H_k = 1 - 2 v_k v_k^T / |v_k|^2
The foot of the perpendicular from x is F c = P x, P = F F^T.

Theorems.
 1. F^T F = 1, since mirrors preserve lengths and angles. So P is symmetric, P P = P, and |x|^2 = |P x|^2 + |x - P x|^2.
 2. Reach. If r < d, some r mirrors make any given frame f_1 .. f_r, and r are needed. Let H_1 take f_1 to e_1: v is
    f_1 - e_1, or anything at right angles to e_1 if they are the same. H_1 f_2 .. H_1 f_r are at right angles to e_1;
    go on with them in that smaller space (Cartan and Dieudonne's proof, stopped at r). If r = d the last space is a
    line, which leaves no choice: det F = (-1)^d. Fewer than r mirrors fix a space of more than d - r dimensions, which
    meets that of e_1 .. e_r in a line: so they do not reach -e_1 .. -e_r.
 3. H_1 ... H_r = 1 - V^T T V, for unit rows V (Schreiber & Van Loan 1989): T is upper triangular, 2 on its diagonal,
    and two runs a, b of mirrors make one by T = [[T_a, -T_a V_a V_b^T T_b], [0, T_b]]: multiply out. Joining runs of 1,
    2, 4 .. in pairs, log2 r steps form T. Each T is that of an orthogonal product, so no intermediate number is large;
    the powers of the triangle of V V^T, which would also do, reach 10^7 for mirrors that are nearly the same.

Only the direction of a mirror counts, so its gradient is perpendicular to it. Cost: r d parameters, O(d r^2 + r^3) a
call, 2 log2 r dependent r x r products. MLX has no gradient of QR, and no triangular solve on Metal; products work in
both backends. Sources: Householder 1958; Stewart 1980 (random frames); Mhammedi et al. 2017 (weights from mirrors).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.errors import PersonaError


def mirrors(frame: np.ndarray) -> np.ndarray:
    """F (d, r) with orthonormal columns, r < d -> mirrors (r, d), unit rows, that make it."""
    (d, r), rest = frame.shape, frame
    rows = np.zeros((r, d))
    for k in range(r):
        v = rest[:, k] - np.eye(d)[k]
        rows[k] = v / np.linalg.norm(v) if np.linalg.norm(v) > 1e-12 else np.eye(d)[k + 1]
        rest = rest - 2 * np.outer(rows[k], rows[k] @ rest)
    return rows


def any_frame(stream: np.random.Generator, d: int, r: int) -> np.ndarray:
    """A frame (d, r), uniformly distributed (Stewart 1980)."""
    basis, triangle = np.linalg.qr(stream.normal(size=(d, r)))
    return basis * np.sign(np.diag(triangle))


def merges(r: int) -> np.ndarray:
    """(ceil log2 r, r, r) float32: 1 where T gains a block, as runs of 1, 2, 4 .. mirrors become one by pairs."""
    runs = [np.arange(r) // 2**level for level in range((r - 1).bit_length())]
    gained = [(run[:, None] % 2 == 0) & (run[:, None] + 1 == run) for run in runs]
    return np.array(gained, np.float32).reshape(-1, r, r)


@dataclass(frozen=True)
class Mirrors:
    """n_embd: the width d of the space. n_line: the number r of the frame's lines; PersonaError unless r < d."""

    n_embd: int
    n_line: int

    def __post_init__(self):
        if self.n_line >= self.n_embd:
            raise PersonaError(f"a plane in a space of {self.n_embd} has fewer lines than that, not {self.n_line}.")

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"weight": (r, d)}, of a uniformly distributed frame; rows of length 0.02 sqrt(d)."""
        return {"weight": 0.02 * np.sqrt(self.n_embd) * mirrors(any_frame(stream, self.n_embd, self.n_line))}

    def frame(self, p: dict[str, np.ndarray]) -> np.ndarray:
        """F (d, r)."""
        frame = np.eye(self.n_embd, self.n_line)
        for v in p["weight"][::-1]:
            frame = frame - 2 * np.outer(v, v @ frame) / (v @ v)
        return frame

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> c (..., r), the foot's coordinates in the plane."""
        return x @ self.frame(p)


CONTRACT, SPEC = Mirrors(32, 16), Mirrors(8, 5)
CASES = (
    Case("projection: sixteen mirrors", CONTRACT, lambda g: (g.normal(size=(2, 9, 32)),)),
    Case("projection: mirrors, initial values", CONTRACT, lambda g: (g.normal(size=(2, 9, 32)),), noise=0.0),
    Case("projection: five mirrors", Mirrors(6, 5), lambda g: (g.normal(size=(3, 6)),)),
    Case("projection: one mirror", Mirrors(5, 1), lambda g: (g.normal(size=(3, 5)),)),
    Case("projection: zero vectors", SPEC, lambda g: (np.zeros((2, 3, 8)),)),
)


def _right_angles(evaluate, g):
    # Mirrors in general position; almost equal; and all equal, where F is e_1 .. e_r again.
    several = g.normal(size=(3, 1, 32)) + g.normal(size=(3, 16, 32)) * [[[1]], [[1e-3]], [[0]]]
    frames = [evaluate(CONTRACT, {"weight": v}, "frame") for v in several]
    return np.stack([*(f.T @ f for f in frames), frames[2][:16]]), np.broadcast_to(np.eye(16), (4, 16, 16))


def _reach(evaluate, g):
    # Any frame, the identity, and its opposite, which fewer mirrors do not reach.
    frames = np.stack([any_frame(g, 8, 5), np.eye(8, 5), -np.eye(8, 5)])
    return np.stack([evaluate(SPEC, {"weight": mirrors(f)}, "frame") for f in frames]), frames


def _feet(evaluate, g, several: int) -> tuple[np.ndarray, ...]:
    """Vectors (several, 12, 8), their feet, and the feet of the feet."""
    x, p = representable(g.normal(size=(several, 12, 8))), Case("", SPEC, None).parameters(g)
    frame = evaluate(SPEC, p, "frame")
    feet = evaluate(SPEC, p, "__call__", x) @ frame.T
    return x, feet, evaluate(SPEC, p, "__call__", feet) @ frame.T


def _once(evaluate, g):
    (x, y), (foot, other), again = _feet(evaluate, g, 2)
    sides = (again, (foot * y).sum(-1)), ((foot, other), (x * other).sum(-1))
    return tuple(np.concatenate([np.ravel(part) for part in side]) for side in sides)


def _pythagoras(evaluate, g):
    x, foot, _ = _feet(evaluate, g, 1)
    return (foot**2).sum(-1) + ((x - foot) ** 2).sum(-1), (x**2).sum(-1)


THEOREMS = (
    Theorem("projection: right angles", "F^T F = 1, whatever the mirrors", _right_angles, length=512),
    Theorem("projection: reach", "r mirrors make any frame of r lines", _reach, length=64),
    Theorem("projection: once is enough", "P P = P, and (P x) y = x (P y)", _once, length=64),
    Theorem("projection: Pythagoras", "|x|^2 = |P x|^2 + |x - P x|^2", _pythagoras, length=64),
)
