"""A2, the four causes: a selective diagonal state space as the mixer of a block.

Idea. A thing is explained by four causes: what it is made of (matter), what it is (form), what moved it (efficient
cause), what it is for (final cause). A state h remembers the past as a thing does: of its form it decays at its own
rates, each token moves it as far as that token decides, and what is read out of it depends on what it is read for.

Equations.  H heads of P = d/H channels, N states a channel; B_t and C_t are shared by the heads.
    matter     u_t = W_u x_t                                        (H, P)
    form       A = -softplus(a)                                     (H, N), always negative
    efficient  Dt_t = softplus(W_D x_t + pace),   B_t = W_B x_t     (H), (N)
    final      C_t = W_C x_t                                        (N)
    h_t = exp(Dt_t A) h_{t-1} + Dt_t B_t u_t^T,   h_{-1} = 0        (H, N, P)
    y_t = C_t . h_t + D * u_t,   output = W_o y_t

There is one form for each head and state: the channels of a head share it, and with n_head = n_embd every channel has a
form of its own. With shared forms a chunk takes one exponential for every head, state and pair of positions, not for
every channel, and matrix products for the rest: a sixth of the time. 4 heads and 4 states make 16 rates, and the cost
is within four times that of attention at 64 tokens.

The backends scan in chunks of 8 tokens. Let S[t, i] = sum of Dt_j over i < j <= t, i <= t: a *segment sum*. Each is
added up by itself, not as a difference of cumulative sums; so it loses no digits, and exp(A S) <= 1 cannot overflow.
Within a chunk y_t = sum_i (sum_n C_t,n exp(A_n S[t, i]) B_i,n) Dt_i u_i. Each chunk passes on one state and one sum of
Dt, which obey the same recurrence at an eighth of the length: they are scanned in the same way, log_8 T levels deep.

Theorems.
 1. Scan = recurrence: unrolled, h_t = sum_{i <= t} exp(A S[t, i]) Dt_i B_i u_i^T, and S[t, i] = S[t, j] + S[j, i].
 2. If |B_t u_t| <= M, Dt <= delta, alpha = -A > 0 and h_{-1} = 0, then
        |h_t| <= M delta / (1 - exp(-alpha delta)) <= M (1/alpha + delta).
    Proof: f(D) = D / (1 - exp(-alpha D)) increases, so by induction |h_t| <= exp(-alpha D) M f(delta) + D M
    = M (exp(-alpha D) f(delta) + (1 - exp(-alpha D)) f(D)) <= M f(delta); and z / (1 - exp(-z)) <= 1 + z.
 3. It is sharp: for constant input h_t = (1 - exp(A D (t + 1))) D B u^T / (1 - exp(A D)), a geometric series.
 4. Causality: h_t is a function of x_0 .. x_t.

Cost.  (2 d + H + 2 N) d parameters; O(T d (d + N + 8) + 8 T H N) a sequence, linear in T; O(d N) state in generation.
Initial values: a gives A = -1 .. -N, Dt is log-uniform in [0.001, 0.1], as in Mamba: memories of 1 to 1,000 tokens.
a has one axis, not two, so that weight decay does not act on the rates.
Sources: Gu & Dao 2023 (Mamba); Dao & Gu 2024 (Mamba-2: segment sums, chunks); Yang 2023 (gated linear attention).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.attention import Attention
from lyceum.personas.properties.sequences import Recurrence, causality, continuation
from lyceum.personas.spec.benchmark import decoding, scans
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class SelectiveStateSpace(Recurrence):
    """n_embd: the width d. n_head: heads H, a divisor of d. n_state: states N of a channel."""

    n_embd: int
    n_head: int
    n_state: int = 4

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"causes.weight": (d + H + 2N, d), "pace": (H,), "form": (H N,), "skip": (d,), "out.weight": (d, d)}."""
        d, heads, states = self.n_embd, self.n_head, self.n_state
        pace = np.exp(stream.uniform(np.log(0.001), np.log(0.1), heads))
        return {
            "causes.weight": stream.normal(0, 1 / np.sqrt(3 * d), (d + heads + 2 * states, d)),
            "pace": np.log(np.expm1(pace)),
            "form": np.tile(np.log(np.expm1(np.arange(1.0, states + 1))), heads),
            "skip": np.ones(d),
            "out.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (d, d)),
        }

    def causes(self, p: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, ...]:
        """x (..., d) -> u (..., H, P), Dt (..., H), B (..., N), C (..., N) and A (H, N)."""
        d, heads, states = self.n_embd, self.n_head, self.n_state
        u, dt, b, c = np.split(x @ p["causes.weight"].T, np.cumsum((d, heads, states)), axis=-1)
        form = -np.logaddexp(p["form"], 0).reshape(heads, states)
        return u.reshape(*u.shape[:-1], heads, -1), np.logaddexp(dt + p["pace"], 0), b, c, form

    def moved(self, p: dict[str, np.ndarray], state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One token: state (B, H, N, P), x (B, d) -> the next state and y (B, d)."""
        u, dt, b, c, form = self.causes(p, x)
        moved = b[:, None, :, None] * (dt[..., None] * u)[:, :, None]
        state = np.exp(dt[..., None] * form)[..., None] * state + moved
        y = np.einsum("bn,bhnp->bhp", c, state).reshape(x.shape) + p["skip"] * u.reshape(x.shape)
        return state, y @ p["out.weight"].T

    def states(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (B, T, d) -> the state after every token, (B, T, H, N, P)."""
        states = list(self.start(len(x)))
        for t in range(x.shape[1]):
            states.append(self.moved(p, states[-1], x[:, t])[0])
        return np.stack(states[1:], axis=1)

    def start(self, batch: int) -> tuple[np.ndarray]:
        """The state before the first token, (B, H, N, P) zeros: the whole cache of generation."""
        return (np.zeros((batch, self.n_head, self.n_state, self.n_embd // self.n_head)),)


NARROW = SelectiveStateSpace(8, 2, 3)


def _step(g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return g.normal(size=(3, 2, 3, 4)), g.normal(size=(3, 1, 8))


def _steps(g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return g.normal(size=(2, 2, 3, 4)), g.normal(size=(2, 11, 8))


def _constant(g: np.random.Generator) -> tuple[np.ndarray]:
    return (np.tile(g.normal(size=(2, 1, 8)), (1, 11, 1)),)


CASES = (
    Case("ssm: typical", SelectiveStateSpace(16, 4, 4), lambda g: (g.normal(size=(2, 16, 16)),)),
    Case("ssm: the contract's sizes", SelectiveStateSpace(32, 4), lambda g: (g.normal(size=(1, 64, 32)),)),
    Case("ssm: two levels and a rest", NARROW, lambda g: (g.normal(size=(2, 75, 8)),)),
    Case("ssm: one token", NARROW, lambda g: (g.normal(size=(2, 1, 8)),)),
    Case("ssm: constant input", NARROW, _constant),
    Case("ssm: extreme gates", NARROW, lambda g: (8 * g.normal(size=(8, 30, 8)),), "states", noise=0.7),
    Case("ssm: a form for every channel", SelectiveStateSpace(6, 6, 2), lambda g: (g.normal(size=(2, 10, 6)),)),
    Case("ssm: states", NARROW, lambda g: (g.normal(size=(2, 19, 8)),), "states"),
    Case("ssm: one token after some", NARROW, _step, "step"),
    Case("ssm: eleven tokens after some", NARROW, _steps, "step"),
)


def _recurrence(evaluate, g):
    p, x = Case("", NARROW, None).parameters(g), representable(g.normal(size=(2, int(g.integers(1, 80)), 8)))
    # The reference is the recurrence.
    return evaluate(NARROW, p, "__call__", x), NARROW(p, x)


def _boundedness(evaluate, g):
    p, x = Case("", NARROW, None).parameters(g), representable(g.choice([0.1, 1, 10]) * g.normal(size=(2, 40, 8)))
    u, dt, b, _, form = NARROW.causes(p, x)
    matter, delta = np.abs(b[:, :, None, :, None] * u[:, :, :, None]).max((0, 1)), dt.max((0, 1))[:, None]
    bound = np.broadcast_to(matter * (delta / -np.expm1(form * delta))[..., None], (2, 40, 2, 3, 4))
    return np.maximum(np.abs(evaluate(NARROW, p, "states", x)), bound), bound


def _rest(evaluate, g):
    p, (x,) = Case("", NARROW, None).parameters(g), map(representable, _constant(g))
    u, dt, b, _, form = NARROW.causes(p, x)
    rate = (dt[..., None] * form)[..., None]
    steps = np.arange(1, 12).reshape(-1, 1, 1, 1)
    moved = b[:, :, None, :, None] * (dt[..., None] * u)[:, :, :, None]
    return evaluate(NARROW, p, "states", x), np.expm1(rate * steps) / np.expm1(rate) * moved


THEOREMS = (
    Theorem("ssm: recurrence", "the parallel scan is the recurrence", _recurrence, length=256),
    Theorem("ssm: boundedness", "|h_t| <= M delta / (1 - exp(-alpha delta))", _boundedness, length=64),
    Theorem("ssm: rest", "constant input adds up to a geometric series, so the bound is sharp", _rest, length=64),
    causality("ssm", NARROW, lambda g: (g.normal(size=(2, 30, 8)),)),
    continuation("ssm", NARROW, lambda g: (g.normal(size=(2, 24, 8)),), length=256),
)

BENCHMARKS = (
    *scans("A2", SelectiveStateSpace(32, 4), Attention(32, 4)),
    *decoding("A2", SelectiveStateSpace(32, 4), Attention(32, 4)),
)

SYSTEM = System(
    "ssm",
    "A2, the four causes",
    job="mixer of every second block: a selective state space",
    build=lambda modules, sizes, tables: {"mixer": (modules["mixer"], SelectiveStateSpace(sizes.n_embd, sizes.n_head))},
)
