"""E2, rigid motion: a state of planes that every token turns and contracts, as the mixer of a block.

Idea. A figure may be moved without being changed: turned, it keeps its lengths and its angles; contracted as a whole,
it stays similar to itself. So let the past be a figure. Each token turns it in each of its planes, contracts it, and
adds what it brings: what was said long ago is small and far round the circle, and is told apart by both.

Equations.  H heads of P = d/H channels, N planes a head; B_t, C_t are shared by the heads; angles are in turns.
    u_t = W_u x_t                                                            (H, P)
    r_t = 1 / (1 + exp(z_t)),   z_t = W_z x_t + pace                         (H), in (0, 1]
    theta_t = W_theta x_t + turn                                             (H, N)
    B_t = W_B x_t,   C_t = W_C x_t                                           (N, 2), a vector in each plane
    h_t = r_t Rot(theta_t) h_{t-1} + sqrt(1 - r_t^2) B_t u_t,   h_{-1} = 0   (H, P, N, 2)
    y_t = C_t . h_t + D * u_t,   output = W_o y_t
All planes of a head contract alike, so its state moves by similarities. The input's factor is the other side of a right
triangle of side r_t and hypotenuse 1 (the normalisation of the LRU): nothing enters at r = 1, all of it at r = 0.

The backends scan in chunks of 16 tokens. Rotations in a plane compose by adding angles: from i to t >= i in a chunk the
state contracts by exp(S[t, i]) <= 1, S[t, i] = sum of log r_j over i < j <= t, each summed separately
(`chunks.sums`), and turns by Rot(Theta_t) Rot(Theta_i)^T, Theta_t = sum of theta_j over j <= t. In the turning frame
    y_t = sum_i exp(S[t, i]) (Rot(-Theta_t) C_t) . (Rot(-Theta_i) B_i) sqrt(1 - r_i^2) u_i.
The states at the ends of chunks, turned back, obey the same recurrence and are scanned alike, log_16 T levels deep.
Each level drops full turns (x - round(x) is exact): no angle is a sum of more than 16 half turns, whatever T.

Theorems.
 1. Scan = recurrence, and causal: h_t is a function of x_0 .. x_t.
 2. Rigidity: for r = 1 nothing enters, and h^T h, all lengths and angles of the state, is constant. n turns by 1/n
    close the regular n-gon.
 3. |h_t|^2 <= sum_{i <= t} |B_i|^2 u_i^2 for any r_t in (0, 1]: nothing grows faster than sqrt(t + 1), however close r
    is to 1. Proof: h_t = sum_i w_i Rot(..) B_i u_i with w_i = sqrt(1 - r_i^2) prod_{j > i} r_j, whose squares
    telescope, sum_i w_i^2 = 1 - prod_j r_j^2 <= 1; Cauchy-Schwarz. An input perpendicular to the state gives
    |h_t|^2 = r_t^2 |h_{t-1}|^2 + (1 - r_t^2) |B_t u_t|^2, a mean of the two (I.47).
 4. It is sharp at every t: r_i^2 = i / (i + 1), no turn and constant input give h_t = sqrt(t + 1) B u.
 5. Constant input gives h_t = sqrt(1 - r^2) (1 - l^(t+1)) / (1 - l) B u, as complex numbers, l = r exp(2 pi i theta).

Cost.  (2 d + H + H N + 4 N) d parameters; O(T d (d + N + 16)) a sequence, linear in T; 2 d N numbers in generation.
Initial values: heads remember 2 to 128 tokens, planes turn once in 4 to 256, W_theta = 0. Pace and turn have no
weight decay.
Gradients: sqrt(1 - r^2) has none at r = 1, nor log r at r = 0. With s the logistic function, the backends take
log s(-z) and g sqrt(2 - g^2), g = exp(log s(z) / 2), smooth for all z.
Sources: Orvieto 2023 (LRU); De 2024 (Griffin: contraction by input); Dao & Gu 2024 (Mamba-2: one contraction a head,
chunks); Su 2021 (RoPE: scores in the turning frame); Elements I.47, IV (regular polygons), VI (similar figures).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.attention import Attention
from lyceum.personas.properties.sequences import Recurrence, causality, continuation
from lyceum.personas.spec.benchmark import decoding, scans
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


def turned(h: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Vectors in N planes, (..., 2N), first coordinates first, turned by (..., N), in turns."""
    first, second = np.split(h, 2, axis=-1)
    cos, sin = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
    return np.concatenate([cos * first - sin * second, sin * first + cos * second], axis=-1)


@dataclass(frozen=True)
class RigidMotion(Recurrence):
    """n_embd: the width d. n_head: heads H, a divisor of d. n_plane: planes N of a head."""

    n_embd: int
    n_head: int
    n_plane: int = 4

    @property
    def widths(self) -> tuple[int, ...]:
        """Rows of the motion's matrix: u, z, theta, B, C."""
        return self.n_embd, self.n_head, self.n_head * self.n_plane, 2 * self.n_plane, 2 * self.n_plane

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"motion.weight": (sum of widths, d), "pace": (H,), "turn": (H N,), "skip": (d,), "out.weight": (d, d)}."""
        d, heads, planes = self.n_embd, self.n_head, self.n_plane
        weight = stream.normal(0, 1 / np.sqrt(3 * d), (sum(self.widths), d))
        weight[d + heads : d + heads + heads * planes] = 0
        return {
            "motion.weight": weight,
            "pace": -np.log(np.geomspace(2, 128, heads) - 1),
            "turn": np.tile(1 / np.geomspace(4, 256, planes), heads),
            "skip": np.ones(d),
            "out.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (d, d)),
        }

    def motion(self, p: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, ...]:
        """x (..., d) -> u (..., H, P), log r (..., H), theta (..., H, N), B (..., 2N) and C (..., 2N)."""
        u, z, theta, b, c = np.split(x @ p["motion.weight"].T, np.cumsum(self.widths[:-1]), axis=-1)
        theta = (theta + p["turn"]).reshape(*z.shape, self.n_plane)
        return u.reshape(*z.shape, -1), -np.logaddexp(z + p["pace"], 0), theta, b, c

    def moved(self, p: dict[str, np.ndarray], state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One token: state (B, H, P, 2N), x (B, d) -> the next state and y (B, d)."""
        u, log_r, theta, b, c = self.motion(p, x)
        # 1 - r^2 without a difference of numbers close to 1.
        entering = np.sqrt(-np.expm1(2 * log_r))[..., None] * u
        moved = np.exp(log_r)[..., None, None] * turned(state, theta[:, :, None])
        state = moved + entering[..., None] * b[:, None, None]
        y = np.einsum("bn,bhpn->bhp", c, state).reshape(x.shape) + p["skip"] * u.reshape(x.shape)
        return state, y @ p["out.weight"].T

    def start(self, batch: int) -> tuple[np.ndarray]:
        """The state before the first token, (B, H, P, 2N) zeros; all that generation caches."""
        return (np.zeros((batch, self.n_head, self.n_embd // self.n_head, 2 * self.n_plane)),)


SPEC = RigidMotion(8, 2, 3)


def _steps(batch: int, length: int, scale: float = 1.0):
    return lambda g: (g.normal(size=(batch, 2, 4, 6)), scale * g.normal(size=(batch, length, 8)))


CASES = (
    Case("rigid: typical", RigidMotion(16, 4, 4), lambda g: (g.normal(size=(2, 16, 16)),)),
    Case("rigid: the contract's sizes", RigidMotion(32, 4), lambda g: (g.normal(size=(1, 64, 32)),)),
    Case("rigid: three levels and a partial chunk", SPEC, lambda g: (g.normal(size=(1, 275, 8)),)),
    Case("rigid: one token", SPEC, lambda g: (g.normal(size=(2, 1, 8)),)),
    Case("rigid: extreme gates", SPEC, _steps(2, 9, 2.0), "step", noise=0.7),
    Case("rigid: one plane a channel", RigidMotion(6, 6, 1), lambda g: (g.normal(size=(2, 20, 6)),)),
    Case("rigid: one token after others", SPEC, _steps(3, 1), "step"),
    Case("rigid: forty tokens after others", SPEC, _steps(2, 40), "step"),
)


def _recurrence(evaluate, g):
    p, x = Case("", SPEC, None).parameters(g), representable(g.normal(size=(2, int(g.integers(1, 80)), 8)))
    return evaluate(SPEC, p, "__call__", x), SPEC(p, x)


def free(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parameters, but without contraction: r = 1."""
    return p | {"pace": np.full_like(p["pace"], -1e4)}


def gram(h: np.ndarray) -> np.ndarray:
    """The lengths and angles of a state (B, H, P, 2N): every inner product of its channels."""
    return h @ np.swapaxes(h, -1, -2)


def _rigidity(evaluate, g):
    p, (state, x) = free(Case("", SPEC, None).parameters(g)), map(representable, _steps(2, 40)(g))
    return gram(evaluate(SPEC, p, "step", state, x)[0]), gram(state)


def _polygons(evaluate, g):
    p, corners = free(Case("", SPEC, None).parameters(g)), int(g.choice([3, 4, 5, 6, 15]))
    p["motion.weight"], p["turn"] = 0 * p["motion.weight"], representable(np.tile([1, 2, -1], 2) / corners)
    state, x = map(representable, _steps(2, corners)(g))
    # The rounded angles miss 1/n by a little, and the last turn misses by n times as much.
    missed = (corners * p["turn"] - np.rint(corners * p["turn"])).reshape(2, 1, 3)
    return evaluate(SPEC, p, "step", state, x)[0], turned(state, missed)


def _boundedness(evaluate, g):
    p, x = Case("", SPEC, None).parameters(g), representable(g.choice([0.1, 1, 10]) * g.normal(size=(2, 40, 8)))
    p["pace"] = representable(g.normal(0, 10, 2))
    u, _, _, b, _ = SPEC.motion(p, x)
    bound = np.sqrt(((b**2).sum(-1)[..., None, None] * u**2).sum(1))
    state = evaluate(SPEC, p, "step", *SPEC.start(2), x)[0]
    return np.maximum(np.sqrt((state**2).sum(-1)), bound), bound


def _constant(evaluate, g):
    p, length, x = Case("", SPEC, None).parameters(g), int(g.integers(1, 40)), representable(g.normal(size=(2, 1, 8)))
    u, log_r, theta, b, _ = (part[:, 0] for part in SPEC.motion(p, x))
    step = (log_r[..., None] + 2j * np.pi * theta)[:, :, None]
    series = np.sqrt(-np.expm1(2 * log_r))[..., None, None] * np.expm1(step * length) / np.expm1(step)
    h = series * (b[:, :3] + 1j * b[:, 3:])[:, None, None] * u[..., None]
    state = evaluate(SPEC, p, "step", *SPEC.start(2), np.tile(x, (1, length, 1)))[0]
    return state, np.concatenate([h.real, h.imag], axis=-1)


THEOREMS = (
    Theorem("rigid: recurrence", "the parallel scan is the recurrence", _recurrence, length=256),
    Theorem("rigid: rigidity", "for r = 1 every length and angle of the state is constant", _rigidity, length=256),
    Theorem("rigid: polygons", "n turns of 1/n, or 2/n, lead back to the start", _polygons, length=256),
    Theorem("rigid: boundedness", "|h_t|^2 <= the sum of |B_i|^2 u_i^2", _boundedness, length=64),
    Theorem("rigid: geometric series", "constant input adds up to a spiral's geometric series", _constant, length=256),
    causality("rigid", SPEC, lambda g: (g.normal(size=(2, 40, 8)),)),
    continuation("rigid", SPEC, lambda g: (g.normal(size=(2, 40, 8)),), length=256),
)

BENCHMARKS = (
    *scans("E2", RigidMotion(32, 4), Attention(32, 4)),
    *decoding("E2", RigidMotion(32, 4), Attention(32, 4)),
)

SYSTEM = System(
    "ssm",
    "E2, rigid motion",
    job="mixer of every second block: a state of planes that turn and contract",
    build=lambda modules, sizes, tables: {"mixer": (modules["mixer"], RigidMotion(sizes.n_embd, sizes.n_head))},
)
