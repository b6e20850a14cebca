"""A6, the organon: attention on one latent a token, with four types of heads.

Idea. The organon is the instrument of thought, and has four uses: to demonstrate from what a thing is, to infer from
what came before it, to dispute over what changed, and to see a likeness between movements. All work on the same matter:
one latent a token is all that remains of the past.

Equations.  dh = d/H, latents of width 16, a rotary key of width 8, x_{-1} = 0 and c_{-1} = 0:
    c_t = N(W_c x_t),   N(z) = z / sqrt(mean z^2 + eps);      r_t = R(t) W_r x_t,  shared by the heads
    query  q_t = W_h x_t, for analogy + W'_h (x_t - x_{t-1});  its rotary part R(t) W''_h x_t
    key    demonstration U_h c_t            what is it?
           induction     U_h c_{t-1}        what followed this before?
           dialectic     U_h (c_t - c_{t-1})  what changed?
           analogy       U_h c_t            what is as I have become?
    score[t, i] = (q_t . k_i + rotary q_t . r_i) / sqrt(dh + 8), i <= t;   y_t = sum_i softmax(score)[t, i] V_h c_i
R(t) turns the pairs (j, j + 4) by t base^(-j/4); base 100 gives wavelengths from 6 to 200 tokens, for blocks of 64.
Each type has H/4 heads, in this order. N has no gain: U and V would absorb it.

Theorems.
 1. Absorbed = explicit. q . U c = (U^T q) . c, sum_i w_i V c_i = V sum_i w_i c_i, and a key of c_t and c_{t-1} makes a
    score of the same two: with s[t, i] = (U^T q_t) . c_i the four types score s[t, i], s[t, i-1], s[t, i] - s[t, i-1],
    s[t, i]. So generation forms neither keys nor values. It holds because nothing is normalised after U.
 2. The cache holds 16 + 8 numbers a token, and one x: 96 bytes in float32, where plain keys and values take 8 d = 256.
 3. Causality: y_t is a function of x_0 .. x_t.

Cost.  (16 + 8) d + (d + 8 H) d + d^2 / 4 + 2 * 16 d + d^2 parameters: 5,120 at d = 32, H = 4, 5/4 of attention's.
Training costs what plain attention with queries and keys of width dh + 8 costs; generation O(t H (16 + 8)) a token.
Sources: DeepSeek-AI 2024 (DeepSeek-V2: latents, absorption, decoupled rotary key); Olsson et al. 2022 (smeared keys).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.attention import Attention
from lyceum.personas.model.rotary import turned
from lyceum.personas.properties.sequences import causality, continuation
from lyceum.personas.spec.benchmark import against, decoding
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.system import System

Cache = tuple[np.ndarray, np.ndarray, np.ndarray]
HEAD_TYPES = ("demonstration", "induction", "dialectic", "analogy")  # each is given its share of the heads


def before(x: np.ndarray, first: np.ndarray | float = 0.0) -> np.ndarray:
    """x (..., T, w) -> x of the position before; `first` (..., w) comes before position 0."""
    moved = np.roll(x, 1, axis=-2)
    moved[..., 0, :] = first
    return moved


def by_type(now: np.ndarray, past: np.ndarray) -> np.ndarray:
    """Keys or scores of a position and of the one before it, both (B, H, ...) -> those that each type of heads uses."""
    (demonstration, _, dialectic, analogy), (_, induction, was, _) = (
        np.split(x, len(HEAD_TYPES), axis=1) for x in (now, past)
    )
    return np.concatenate([demonstration, induction, dialectic - was, analogy], axis=1)


@dataclass(frozen=True)
class LatentAttention:
    """n_embd: the width d. n_head: heads H, a multiple of 4 that divides d. n_latent, n_rotary: the cache of a token.

    base: of the rotary angles. eps: added to the latent's mean square. Raises PersonaError for other numbers of heads.
    """

    n_embd: int
    n_head: int
    n_latent: int = 16
    n_rotary: int = 8
    base: float = 100.0
    eps: float = 1e-5

    def __post_init__(self):
        if self.n_head % len(HEAD_TYPES):
            raise PersonaError(f"mla has four types of heads: n_head must be a multiple of 4, not {self.n_head}.")

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """All normal with deviation 0.02, "out.weight" with less; "up.weight" has the rows of U, then those of V."""
        d, rotary = self.n_embd, self.n_head * self.n_rotary
        return {
            "down.weight": stream.normal(0, 0.02, (self.n_latent + self.n_rotary, d)),
            "query.weight": stream.normal(0, 0.02, (d + rotary, d)),
            "contrast.weight": stream.normal(0, 0.02, (d // len(HEAD_TYPES), d)),
            "up.weight": stream.normal(0, 0.02, (2 * d, self.n_latent)),
            "out.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (d, d)),
        }

    def heads(self, x: np.ndarray) -> np.ndarray:
        """(B, T, H w) -> (B, H, T, w)."""
        return x.reshape(*x.shape[:2], self.n_head, -1).transpose(0, 2, 1, 3)

    def latents(self, p: dict[str, np.ndarray], x: np.ndarray, offset: int) -> tuple[np.ndarray, np.ndarray]:
        """x (B, T, d) from position `offset` on -> c (B, T, n_latent) and r (B, T, n_rotary), which are cached."""
        c, r = np.split(x @ p["down.weight"].T, [self.n_latent], axis=-1)
        return c / np.sqrt((c**2).mean(-1, keepdims=True) + self.eps), turned(r, offset, self.base)

    def queries(self, p: dict[str, np.ndarray], x: np.ndarray, last, offset: int) -> tuple[np.ndarray, np.ndarray]:
        """x (B, T, d), last (B, d) the x before -> queries (B, H, T, dh), and their rotary parts, turned."""
        q, rotary = np.split(x @ p["query.weight"].T, [self.n_embd], axis=-1)
        q[..., -self.n_embd // len(HEAD_TYPES) :] += (x - before(x, last)) @ p["contrast.weight"].T
        return self.heads(q), turned(self.heads(rotary), offset, self.base)

    def weights(self, scores: np.ndarray) -> np.ndarray:
        """scores (B, H, n, t), unscaled, of the last n of t tokens -> causal weights, rows that sum to 1."""
        scores = scores / np.sqrt(self.n_embd // self.n_head + self.n_rotary)
        scores = np.where(np.tri(*scores.shape[-2:], scores.shape[-1] - scores.shape[-2]) > 0, scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        return weights / weights.sum(-1, keepdims=True)

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) float64 -> the same shape, in explicit form. rotation: ignored; this mixer rotates by itself."""
        y = self.attention(p, x) @ self.values(p, x)
        return y.transpose(0, 2, 1, 3).reshape(x.shape) @ p["out.weight"].T

    def values(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (B, T, d) -> V c of each head, (B, H, T, dh)."""
        return self.heads(self.latents(p, x, 0)[0] @ p["up.weight"][self.n_embd :].T)

    def attention(self, p: dict[str, np.ndarray], x: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """x (B, T, d) -> which earlier positions each head attends to, (B, H, T, T); rows sum to 1."""
        c, r = self.latents(p, x, 0)
        q, rotary = self.queries(p, x, 0.0, 0)
        u = self.heads(c @ p["up.weight"][: self.n_embd].T)
        k = by_type(u, before(u))
        return self.weights(q @ k.swapaxes(-1, -2) + rotary @ r[:, None].swapaxes(-1, -2))

    def start(self, batch: int) -> Cache:
        """The cache before the first token: c (B, 0, n_latent), r (B, 0, n_rotary), x (B, d) zeros."""
        return np.zeros((batch, 0, self.n_latent)), np.zeros((batch, 0, self.n_rotary)), np.zeros((batch, self.n_embd))

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, ...]:
        """(c (B, t, n_latent), r (B, t, n_rotary), last x (B, d), n new tokens (B, n, d)) -> the cache, y (B, n, d).

        The absorbed form of theorem 1.
        """
        old_c, old_r, last, x, *_ = arguments
        offset = old_c.shape[1]
        c, r = (np.concatenate(pair, axis=1) for pair in zip((old_c, old_r), self.latents(p, x, offset), strict=True))
        q, rotary = self.queries(p, x, last, offset)
        up = p["up.weight"].reshape(2, self.n_head, -1, self.n_latent)
        s = (q @ up[0]) @ c[:, None].swapaxes(-1, -2)
        scores = by_type(s, before(s.swapaxes(-1, -2)).swapaxes(-1, -2)) + rotary @ r[:, None].swapaxes(-1, -2)
        y = self.weights(scores) @ c[:, None] @ up[1].swapaxes(-1, -2)
        return c, r, x[:, -1], y.transpose(0, 2, 1, 3).reshape(x.shape) @ p["out.weight"].T


NARROW = LatentAttention(8, 4, n_latent=6, n_rotary=4)


def _step(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return g.normal(size=(2, 5, 6)), g.normal(size=(2, 5, 4)), g.normal(size=(2, 8)), g.normal(size=(2, 3, 8))


CASES = (
    Case("mla: typical", LatentAttention(16, 4, n_latent=8, n_rotary=4), lambda g: (g.normal(size=(2, 16, 16)),)),
    Case("mla: the contract's sizes", LatentAttention(32, 4), lambda g: (g.normal(size=(1, 64, 32)),)),
    Case("mla: two heads of each type", LatentAttention(16, 8, 5, 2), lambda g: (g.normal(size=(2, 7, 16)),)),
    Case("mla: one token", NARROW, lambda g: (g.normal(size=(2, 1, 8)),)),
    Case("mla: constant input", NARROW, lambda g: (np.tile(g.normal(size=(2, 1, 8)), (1, 6, 1)),)),
    Case("mla: sharp weights", NARROW, lambda g: (4 * g.normal(size=(2, 9, 8)),), noise=0.5),
    Case("mla: latents near eps", NARROW, lambda g: (3e-3 * g.normal(size=(2, 5, 8)),)),
    Case("mla: three tokens after five", NARROW, _step, "step"),
)


THEOREMS = (
    causality("mla", NARROW, lambda g: (g.normal(size=(2, 12, 8)),)),
    # Steps use the absorbed form, a full pass the explicit form.
    continuation("mla", NARROW, lambda g: (g.normal(size=(2, 16, 8)),), length=256),
)

BENCHMARKS = (
    against("A6 latent attention / attention", LatentAttention(32, 4), Attention(32, 4)),
    *decoding("A6", LatentAttention(32, 4), Attention(32, 4)),
)

SYSTEM = System(
    "mla",
    "A6, the organon",
    job="mixer: attention on one latent a token, with four types of heads",
    module="mixer",
    excludes={"rope": "mla has rotary keys already"},
    build=lambda modules, sizes, tables: {"mixer": LatentAttention(sizes.n_embd, sizes.n_head)},
)
