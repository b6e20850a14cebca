"""E10, extreme and mean ratio: n continuations at once, from points that stay apart.

Idea. What a model may say cuts a line: the first token into parts as their probabilities, each part again as those of
the next, without end. A point of the line is a text. Points thrown independently fall together, and the likely text is
said twice; points in golden ratio lie apart as far as they can, and each by itself still falls everywhere alike.

Equations, for the kept weights of `law` (their sums F_i and K, and cells: `lyceum.personas.model.sampling`), N = bits, S = shared:
    begun      x = u_i, the golden sequence (`lyceum.personas.euclid.sample.golden`), from a seeded u_0;  W = 2^N, spent = 0
    said       the token in whose cell among W places x lies
    cut        low = ceil(F_before W / K), high = ceil(F_upto W / K):   x <- x - low,  W <- high - low
    refilled   k the least with 2^k W >= 2^(N-1):   x <- 2^k x + k fresh bits,  W <- 2^k W,  spent <- spent + k
    renewed    if then spent >= S:   x <- N fresh bits,  W <- 2^N
The first N bits of a code point are thus the golden sequence's; all further bits are its continuation's own: those of
token t are in word number i of the stream (seed, "sample", t). All of it is whole numbers.

Theorems.
 1. (law) For uniform u_0 and fresh bits, x is uniform in 0 .. W - 1 whatever was said, so the next token's probability
    is exactly (high - low) / W: its share n_i / K of the law quantised to 1 / W, at most 2^-(N-1), and 2^-N at the
    beginning. Proof: u_0 + i g is as uniform as u_0; so is, within its cell, x - low; so is what k fresh bits extend,
    and what replaces it at a time that hangs only on what was said.
 2. (interval) A text that was said has P = W / 2^(N + spent) of the circle, the product of its shares; its point, with
    its fresh bits, lies there, and different texts of one length have different intervals.
 3. (apart) So n continuations never say one text twice if P is less than the least gap of n points, less 2^-N; and a
    text with P above the greatest gap, and 2^-N, is said. Renewed is only a point with P < 2^-S: by then all n have
    parted, if 2^-S is less than the least gap, as it is up to n = 2^S / sqrt(5), 114 for S = 8.
 4. (digits) Edges that a backend's rounding d of the logits moves by d / 2 move x / W, in its cell, by 1 / share times as
    much, and later choices by blur = (sum of all P up to here) / P. Renewal keeps that small, and by theorem 3 it costs
    nothing: of 48 texts of a trained model 1 parted between the float32 backends before 8 bits were spent, 7 before 12,
    and without renewal all 48 within 9 tokens. `clearance` knows the blur.
Measured: distinct among 16 texts of one token of a trained model, against independent draws of the same law: 15.8 and
14.9; of the 20 likeliest 13.6 and 11.1; at temperature 0.5 12.2 and 10.9 (40 seeds, errors of 0.3 at most).

Cost: that of `lyceum.personas.model.sampling`; 3 whole numbers a continuation.
Sources: Vilnis et al. 2023 (arithmetic sampling); Witten, Neal, Cleary 1987; Elements II.11, VI.30.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.aristotle.sample import Modality
from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample.golden import points
from lyceum.personas.euclid.sample.theorems import theorems
from lyceum.personas.model import sampling_margin
from lyceum.personas.model.sampling import VARIATE_BITS, Sampler, demand, inverse_cdf
from lyceum.personas.properties.samplers import logits_of
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System
from lyceum.rng import stream

SMALL = 1e-3  # nats: greater changes of the logits change the shares by which earlier ones are magnified
COARSE = 2.0**-14  # what rounding the weights of 2^16 tokens does to a share, as a part of it
Code = tuple[np.ndarray, np.ndarray, np.ndarray]  # x, W, spent: (n,) int64 each


@dataclass(frozen=True)
class GoldenSection(Sampler):
    """law: what may be said, and how likely. bits: N, at most 32. shared: S, the bits that they share."""

    law: Sampler = Plain()
    bits: int = 32
    shared: int = 8

    def __post_init__(self):
        demand("bits", self.bits, 1 <= self.bits <= 32, "from 1 to 32")
        demand("shared", self.shared, self.shared >= 0, "0 or more")

    def tempered(self, logits: np.ndarray) -> np.ndarray:
        """The logits that are judged and drawn from."""
        return self.law.tempered(logits)

    def allowed(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> which tokens may be said, (..., V) bool."""
        return self.law.allowed(p, logits)

    def cell(self, p: dict[str, np.ndarray], held: np.ndarray, point: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Weights (..., V), x, W (...) -> (..., 3) int64: the token's id, F before it, F up to it."""
        return inverse_cdf(held, point, width)

    def draw(self, p: dict[str, np.ndarray], logits: np.ndarray, point: np.ndarray, width: np.ndarray) -> np.ndarray:
        """logits (..., V), x, W (...) -> (..., 6) int64: id, K, N, tokens kept, F before, F up to."""
        n, kept = self.weights(p, logits), self.allowed(p, logits)
        held = np.where(kept, n, 0)
        found = self.cell(p, held, point, width)
        counts = np.stack([held.sum(-1), n.sum(-1), kept.sum(-1)], axis=-1)
        return np.concatenate([found[..., :1], counts, found[..., 1:]], axis=-1)

    def begun(self, first: int, ranks: np.ndarray) -> Code:
        """The codes of the continuations of ranks (n,), for u_0 = first."""
        zero = np.zeros_like(ranks)
        return points(first, ranks, self.bits), zero + 2**self.bits, zero

    def cut(self, code: Code, found: np.ndarray) -> Code:
        """What is left of the codes after `draw` has found (n, 6)."""
        point, width, spent = code
        low, high = (-(-edge * width // found[:, 1]) for edge in found[:, 4:].T)
        return point - low, high - low, spent

    def refilled(self, code: Code, fresh: np.ndarray) -> Code:
        """The codes with fresh bits, (n,) in 0 .. 2^bits - 1, from their highest on."""
        point, width, spent = code
        k = np.maximum(self.bits - np.frexp(width)[1], 0)
        renewed = spent + k >= self.shared
        point = np.where(renewed, fresh, point << k | fresh >> self.bits - k)
        return point, np.where(renewed, 2**self.bits, width << k), spent + k

    def variates(self, seed: int, ranks: np.ndarray) -> Codes:
        """What the continuations of these ranks (n,) are drawn by."""
        return Codes(self, seed, ranks)

    def clearance(self, logits: np.ndarray, point: int, width: int, blur: float = 1.0) -> float:
        """logits (V,), and of all choices before -> the change, in nats, up to which the same token is said."""
        r = (int(point) << VARIATE_BITS) // int(width)
        chosen = sampling_margin.of_draw(self.weights({}, logits), self.allowed({}, logits), r, blur)
        return min(self.law.clearance(logits, r), chosen, np.inf if blur == 1 else SMALL)

    def summary(self, draws: np.ndarray) -> str:
        """What draws (count, 6) were like, in words."""
        return self.law.summary(draws)


class Codes:
    """The variates of continuations, as `lyceum.personas.model.sampling.Variates`: their code points. reached: the sum of all P.

    A change d <= SMALL makes a share, and so P, at most e^(2 d) times as great or as small, with every token. layer:
    such d, up to which the same codes are renewed.
    """

    def __init__(self, spec: GoldenSection, seed: int, ranks: np.ndarray):
        self.spec, self.seed, self.ranks = spec, seed, ranks
        first = int(stream(seed, "sample-first").integers(2**spec.bits))
        self.code, self.reached = spec.begun(first, ranks), np.zeros(len(ranks))

    def advance(self, step: int) -> tuple[np.ndarray, ...]:
        """What `draw` takes for token number `step`, beside the logits: (n,) each."""
        fresh = stream(self.seed, "sample", step).integers(0, 2**self.spec.bits, self.ranks.max() + 1)
        held = np.log2(self.code[1]) - self.spec.bits - self.code[2] + self.spec.shared
        fixed = (self.code[2] >= self.spec.shared) | (step == 0)
        self.layer = np.where(fixed, np.inf, np.abs(held) * np.log(2) / max(step, 1) - COARSE) / 2
        self.code = point, width, spent = self.spec.refilled(self.code, fresh[self.ranks])
        renewed = spent >= self.spec.shared
        share = np.where(renewed, 1, width * 2.0 ** -(self.spec.bits + spent) * np.exp(-2 * SMALL * step))
        self.reached = np.where(renewed, 0, self.reached) + share
        self.blur = self.reached / share
        return point, width

    def clearance(self, i: int, logits: np.ndarray) -> float:
        """How far the choice just made is from another: logits (V,) of row i -> nats."""
        return min(self.layer[i], self.spec.clearance(logits, self.code[0][i], self.code[1][i], self.blur[i]))

    def follow(self, found: np.ndarray) -> None:
        """What was drawn, (n, 6)."""
        self.code = self.spec.cut(self.code, found)


def _cells(size: int, bits: int):
    """Weights of which a third are nothing, and points of a width of so many bits, for `cell`."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        held = g.integers(1, (2**31 - 1) // size, size=(6, size)) * (g.random((6, size)) < 2 / 3)
        held[:, -1] += 1
        width = g.integers(2 ** (bits - 1), 2**bits, 6, endpoint=True)
        point = g.integers(0, width)
        point[:2] = 0, width[1] - 1
        return held, point, width

    return draw


def _parted(size: int, count: int):
    """Logits of which the greatest `count` lie a nat and more above the others, so that slopes keep clear of ties."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        logits = logits_of(g, 1, size)
        return (logits + (logits >= np.sort(logits)[:, -count, None]),)

    return draw


CASES = (
    Case("section: all", GoldenSection(), lambda g: (logits_of(g, 3),)),
    Case("section: the contract's vocabulary", GoldenSection(Plain(0.9, 500)), _parted(50_257, 500)),
    Case("section: truncated", GoldenSection(Plain(0.8, 9, 0.9, 0.1)), lambda g: (logits_of(g, 3),)),
    Case("section: modal", GoldenSection(Modality()), lambda g: (logits_of(g, 2),)),
    Case("section: one token", GoldenSection(), lambda g: (g.normal(size=(2, 1)),)),
    Case("section: cell", GoldenSection(), _cells(23, 32), method="cell"),
    Case("section: cell, few places", GoldenSection(bits=3), _cells(11, 3), method="cell"),
    Case("section: cell, one token", GoldenSection(), _cells(1, 32), method="cell"),
    Case("section: cell, the contract's vocabulary", GoldenSection(), _cells(50_257, 32), method="cell"),
)
THEOREMS = theorems(GoldenSection)


SYSTEM = System(
    "sample",
    "E10, extreme and mean ratio",
    job="chooses what is said next: many continuations at once, from points that stay apart",
    command="lyceum sample RUN N",
)
