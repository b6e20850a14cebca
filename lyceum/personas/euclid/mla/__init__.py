"""E6, projection: what attention keeps of a token is the foot of the perpendicular from it to a plane.

Idea. From a given point to a given plane draw the perpendicular (Elements XI, 11): its foot is the nearest point of the
plane, and the square on the whole is equal to the squares on the foot and on the perpendicular (I, 47). The plane is
given by a frame of lines at right angles, and the frame by mirrors, which bend nothing.

Equations.  dh = d/H; latents of width r = 16 and a rotary key of width 8 are cached; v_1 .. v_r are learned:
    F = (the first r columns of H_1 H_2 ... H_r), d x r,   H_k = 1 - 2 v_k v_k^T / |v_k|^2
    c_t = F^T x_t: the foot is P x_t = F c_t, P = F F^T;    r_t = R(t) W_r x_t, shared by the heads
    score[t, i] = (W_h x_t . U_h c_i + R(t) W'_h x_t . r_i) / sqrt(dh + 8), i <= t
    y_t = sum_i softmax(score)[t, i] V_h c_i
R(t) is that of `lyceum.personas.model.rotary`. Latents are not normalised: c is of the size of x, and U, V read it in
the plane.

Theorems.
 1. F^T F = 1 and Pythagoras's; every frame can be learned, if r < d (`lyceum.personas.euclid.mla.reflections`).
 2. Absorbed = explicit: (W_h x) . (U_h c) = (U_h^T W_h x) . c and sum_i w_i V_h c_i = V_h sum_i w_i c_i. In generation
    (c_i, r_i) is the one key and value of all heads. So the cache holds 16 + 8 numbers a token, 96 bytes in float32,
    where plain keys and values take 8 d = 256.
 3. The functions are those of c = W x with any W of full rank: W = L F^T, L invertible (its rows made orthonormal), and
    U L, V L are as free as U, V. The condition differs: if the x have covariance S, the eigenvalues of F^T S F lie
    between the corresponding ones of S (Poincare), so cond F^T S F <= cond S; for W it is up to cond(W)^2 times that.
 4. Causality: y_t is a function of x_0 .. x_t.

Measured (the slow test of tests/lyceum/personas/euclid/test_mla.py: 500 steps, tiny corpus, d = 32; median of two
layers, one seed; cond of F or W, and of the latents' second moments):  projection 1 and 21;  W from the same initial
values 1.14 and 25;  W from normal numbers 6.2 and 438. So most of the gain is in the initial values, which mirrors
preserve; the loss gains nothing (4.2925, 4.2913, 4.2898).

Cost.  r d + 8 d + (d + 8 H) d + 2 r d + d^2 parameters: 4,864 at d = 32, H = 4. F once a call, O(d r^2 + r^3); then as
attention with queries and keys of width dh + 8; generation O(t H (r + 8)) a token.
Sources: DeepSeek-AI 2024 (DeepSeek-V2: latents, absorption, decoupled rotary key); Mhammedi et al. 2017 (weights from
mirrors); Poincare's separation theorem: Horn & Johnson 2013, 4.3.37.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from lyceum.personas.baseline.attention import Attention
from lyceum.personas.euclid.mla.reflections import Mirrors, mirrors
from lyceum.personas.model.rotary import turned
from lyceum.personas.properties.sequences import causality, continuation
from lyceum.personas.spec.benchmark import against, decoding
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Projection:
    """n_embd: the width d. n_head: heads H, a divisor of d. n_latent < d, n_rotary: numbers that are cached a token.

    base: of the rotary angles. PersonaError if n_latent is not below d.
    """

    n_embd: int
    n_head: int
    n_latent: int = 16
    n_rotary: int = 8
    base: float = 100.0

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Normal with deviation 0.02, "out.weight" smaller; a random frame. "up.weight" holds U, then V."""
        d, rotary = self.n_embd, self.n_head * self.n_rotary
        return {
            "plane.weight": Mirrors(d, self.n_latent).initial(stream, n_layer)["weight"],
            "rotary_key.weight": stream.normal(0, 0.02, (self.n_rotary, d)),
            "query.weight": stream.normal(0, 0.02, (d + rotary, d)),
            "up.weight": stream.normal(0, 0.02, (2 * d, self.n_latent)),
            "out.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (d, d)),
        }

    def plane(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (B, T, d) -> c (B, T, n_latent)."""
        return Mirrors(self.n_embd, self.n_latent)({"weight": p["plane.weight"]}, x)

    def heads(self, x: np.ndarray) -> np.ndarray:
        """(B, T, H w) -> (B, H, T, w)."""
        return x.reshape(*x.shape[:2], self.n_head, -1).transpose(0, 2, 1, 3)

    def latents(self, p: dict[str, np.ndarray], x: np.ndarray, offset: int = 0) -> np.ndarray:
        """x (B, T, d) from position `offset` on -> the cached (B, T, n_latent + n_rotary): c, then r."""
        rotary_key = turned(x @ p["rotary_key.weight"].T, offset, self.base)
        return np.concatenate([self.plane(p, x), rotary_key], axis=-1)

    def queries(self, p: dict[str, np.ndarray], x: np.ndarray, offset: int) -> tuple[np.ndarray, np.ndarray]:
        """x (B, T, d) -> queries (B, H, T, dh), and their rotary parts, turned."""
        q, rotary = np.split(x @ p["query.weight"].T, [self.n_embd], axis=-1)
        return self.heads(q), turned(self.heads(rotary), offset, self.base)

    def attended(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Queries (B, H, n, w) of the last n of t tokens, keys and values of all -> (B, H, n, width of v)."""
        n, t = q.shape[2], k.shape[2]
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(self.n_embd // self.n_head + self.n_rotary)
        return softmax(np.where(np.tri(n, t, t - n, dtype=bool), scores, -np.inf), axis=-1) @ v

    def joined(self, p: dict[str, np.ndarray], y: np.ndarray) -> np.ndarray:
        """Outputs of the heads, (B, H, T, dh) -> (B, T, d)."""
        return y.transpose(0, 2, 1, 3).reshape(len(y), y.shape[2], -1) @ p["out.weight"].T

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) float64 -> the same shape, by explicit keys and values. rotation: ignored."""
        c, r = np.split(self.latents(p, x), [self.n_latent], axis=-1)
        k, v = (self.heads(c @ up.T) for up in np.split(p["up.weight"], 2))
        k = np.concatenate([k, np.broadcast_to(r[:, None], (*k.shape[:3], self.n_rotary))], axis=-1)
        return self.joined(p, self.attended(np.concatenate(self.queries(p, x, 0), axis=-1), k, v))

    def start(self, batch: int) -> tuple[np.ndarray]:
        """The cache before the first token: (B, 0, n_latent + n_rotary)."""
        return (np.zeros((batch, 0, self.n_latent + self.n_rotary)),)

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, ...]:
        """(cache (B, t, n_latent + n_rotary), n new tokens (B, n, d)) -> the cache, y (B, n, d), in absorbed form."""
        old, x, *_ = arguments
        cached = np.concatenate([old, self.latents(p, x, old.shape[1])], axis=1)
        q, rotary = self.queries(p, x, old.shape[1])
        up = p["up.weight"].reshape(2, self.n_head, -1, self.n_latent)
        y = self.attended(np.concatenate([q @ up[0], rotary], axis=-1), cached[:, None], cached[:, None])
        return cached, self.joined(p, y[..., : self.n_latent] @ up[1].swapaxes(-1, -2))


SPEC = Projection(8, 4, n_latent=6, n_rotary=4)


def _step(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return g.normal(size=(2, 5, 10)), g.normal(size=(2, 3, 8))


CASES = (
    Case("projection: typical", Projection(16, 4, n_latent=8, n_rotary=4), lambda g: (g.normal(size=(2, 16, 16)),)),
    Case("projection: the contract's sizes", Projection(32, 4), lambda g: (g.normal(size=(8, 64, 32)),)),
    Case("projection: five mirrors, two heads", Projection(6, 2, 5, 2), lambda g: (g.normal(size=(2, 7, 6)),)),
    Case("projection: one mirror, one token", Projection(8, 4, 1, 2), lambda g: (g.normal(size=(2, 1, 8)),)),
    Case("projection: zeros", SPEC, lambda g: (np.zeros((2, 6, 8)),)),
    Case("projection: sharp weights", SPEC, lambda g: (4 * g.normal(size=(2, 9, 8)),), noise=0.5),
    Case("projection: large inputs, weights near 0", SPEC, lambda g: (100 * g.normal(size=(2, 5, 8)),), noise=2e-3),
    Case("projection: three tokens after five", SPEC, _step, "step"),
    Case("projection: the first token", SPEC, lambda g: (np.zeros((2, 0, 10)), g.normal(size=(2, 1, 8))), "step"),
)


class Free(Projection):
    """The comparison: c = W x, where "plane.weight" is W, any matrix."""

    def plane(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        return x @ p["plane.weight"].T


def _drawn(g: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    return Case("", SPEC, None).parameters(g), representable(g.normal(size=(2, 12, 8)))


def _same_functions(evaluate, g):
    p, x = _drawn(g)
    basis, triangle = np.linalg.qr(p["plane.weight"].T)
    orthonormal = p | {"plane.weight": mirrors(basis), "up.weight": p["up.weight"] @ triangle.T}
    return evaluate(SPEC, orthonormal, "__call__", x), Free(**vars(SPEC))(p, x)


def _absorbed(evaluate, g):
    p, x = _drawn(g)
    return evaluate(SPEC, p, "step", *SPEC.start(2), x)[1], evaluate(SPEC, p, "__call__", x)


THEOREMS = (
    Theorem("projection: same functions", "c = W x is a projection, with other U and V", _same_functions, 256),
    Theorem("projection: absorbed", "one key and value for all heads equals those made from it", _absorbed, 256),
    causality("projection", SPEC, lambda g: (g.normal(size=(2, 12, 8)),)),
    continuation("projection", SPEC, lambda g: (g.normal(size=(2, 16, 8)),), length=256),
)

BENCHMARKS = (
    against("E6 projection / attention", Projection(32, 4), Attention(32, 4)),
    *decoding("E6", Projection(32, 4), Attention(32, 4)),
)

SYSTEM = System(
    "mla",
    "E6, projection",
    job="mixer: attention on the feet of perpendiculars to a plane, one short latent a token",
    module="mixer",
    excludes={"rope": "it turns its keys itself"},
    build=lambda modules, sizes, tables: {"mixer": Projection(sizes.n_embd, sizes.n_head, n_latent=sizes.n_embd // 2)},
)
