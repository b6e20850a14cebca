"""E10, extreme and mean ratio: n continuations at once, from code points that stay apart.

Idea. What a model may say cuts a line: the first token into parts as their probabilities, each part again as those of
the next, without end. A point of the line is a text. Points thrown independently fall together, and the likely text is
said twice; points in golden ratio lie apart as far as they can, and each by itself still falls everywhere alike.

Equations, for the allowed weights of `law`, their sums F_i and K, and cells (`lyceum.personas.model.sampling`),
N = bits, S = shared:
    start      x = u_i, the golden sequence (`golden`), from a seeded u_0;  W = 2^N, spent = 0
    draw       the token in whose cell the point x of 0 .. W - 1 lies
    cut        low = ceil(F_before W / K), high = ceil(F_upto W / K):   x <- x - low,  W <- high - low
    refill     k the least with 2^k W >= 2^(N-1):   x <- 2^k x + k fresh bits,  W <- 2^k W,  spent <- spent + k
    renew      if then spent >= S:   x <- N fresh bits,  W <- 2^N
The first N bits of a code point are thus the golden sequence's; each continuation has all further bits for itself:
those of token t are in word number i of the stream (seed, "sample", t). All numbers are integers.

Theorems (`lyceum.personas.euclid.sample.theorems`).
 1. (law) For uniform u_0 and fresh bits, x is uniform in 0 .. W - 1 whatever was drawn before, so the next token has
    probability (high - low) / W exactly: its share n_i / K of the law quantised to 1 / W, at most 2^-(N-1), and 2^-N at
    the start. Proof: u_0 + i g is as uniform as u_0; so is, within its cell, x - low; so is x extended by k fresh bits,
    and so are the N bits that replace it at a time that depends only on the tokens drawn.
 2. (interval) A text has P = W / 2^(N + spent) of the circle, the product of its shares; its point, with its fresh
    bits, lies there, and different texts of one length have different intervals.
 3. (apart) So n continuations never repeat a text if P is less than the least gap of n points, less 2^-N; and a text
    with P above the greatest gap plus 2^-N is drawn. A point is renewed only if P < 2^-S: by then all n texts differ,
    if 2^-S is less than the least gap, as it is up to n = 2^S / sqrt(5), 114 for S = 8.
 4. (digits) A backend's rounding d of the logits moves an edge by d / 2. This moves x / W, within its cell, by
    1 / share times as much, and later choices by blur = (sum of all P so far) / P. Renewal keeps blur small, and by
    theorem 3 it costs nothing: of 48 texts of a trained model 1 differed between the float32 backends before 8 bits
    were spent, 7 before 12, and without renewal all 48 within 9 tokens. `clearance` includes the blur.
Measured: distinct texts among 16 texts of one token of a trained model, and among independent draws of the same law:
15.8 and 14.9; with the 20 likeliest tokens 13.6 and 11.1; at temperature 0.5 12.2 and 10.9 (40 seeds, standard errors
of 0.3 at most).

Cost: that of `lyceum.personas.model.sampling`; 3 integers a continuation.
Sources: Vilnis et al. 2023 (arithmetic sampling); Witten, Neal, Cleary 1987; Elements II.11, VI.30.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.aristotle.sample import Modality
from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample.codes import LARGEST, Code, Codes
from lyceum.personas.euclid.sample.golden import sequence
from lyceum.personas.euclid.sample.theorems import theorems
from lyceum.personas.model import sampling_margin
from lyceum.personas.model.sampling import VARIATE_BITS, Sampler, demand, inverse_cdf
from lyceum.personas.properties.samplers import logits_of
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class GoldenSection(Sampler):
    """law: the sampler of one token. bits: N, at most 32. shared: S, the bits from the golden sequence."""

    law: Sampler = Plain()
    bits: int = 32
    shared: int = 8

    def __post_init__(self):
        demand("bits", self.bits, 1 <= self.bits <= 32, "from 1 to 32")
        demand("shared", self.shared, self.shared >= 0, "0 or more")

    def tempered(self, logits: np.ndarray) -> np.ndarray:
        """The logits that the filters and the draw use."""
        return self.law.tempered(logits)

    def allowed(self, p: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray:
        """logits (..., V) -> which tokens may be drawn, (..., V) bool."""
        return self.law.allowed(p, logits)

    def cell(self, p: dict[str, np.ndarray], weight: np.ndarray, point: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Weights (..., V), x, W (...) -> (..., 3) int64: the token's id, F before it, F up to it."""
        return inverse_cdf(weight, point, width)

    def draw(self, p: dict[str, np.ndarray], logits: np.ndarray, point: np.ndarray, width: np.ndarray) -> np.ndarray:
        """logits (..., V), x, W (...) -> (..., 6) int64: id, K, N, tokens allowed, F before, F up to."""
        n, allowed = self.weights(p, logits), self.allowed(p, logits)
        weight = np.where(allowed, n, 0)
        cell = self.cell(p, weight, point, width)
        counts = np.stack([weight.sum(-1), n.sum(-1), allowed.sum(-1)], axis=-1)
        return np.concatenate([cell[..., :1], counts, cell[..., 1:]], axis=-1)

    def start(self, first: int, ranks: np.ndarray) -> Code:
        """The codes of the continuations of ranks (n,), for u_0 = first."""
        zero = np.zeros_like(ranks)
        return sequence(first, ranks, self.bits), zero + 2**self.bits, zero

    def cut(self, code: Code, draws: np.ndarray) -> Code:
        """The codes within the cells of draws (n, 6)."""
        point, width, spent = code
        low, high = (-(-edge * width // draws[:, 1]) for edge in draws[:, 4:].T)
        return point - low, high - low, spent

    def refill(self, code: Code, fresh: np.ndarray) -> Code:
        """The codes refilled or renewed. fresh (n,) in 0 .. 2^bits - 1: fresh bits, the highest first."""
        point, width, spent = code
        k = np.maximum(self.bits - np.frexp(width)[1], 0)
        renewed = spent + k >= self.shared
        point = np.where(renewed, fresh, point << k | fresh >> self.bits - k)
        return point, np.where(renewed, 2**self.bits, width << k), spent + k

    def variates(self, seed: int, ranks: np.ndarray) -> Codes:
        """The code points of the continuations of these ranks (n,)."""
        return Codes(self, seed, ranks)

    def clearance(self, logits: np.ndarray, point: int, width: int, blur: float = 1.0) -> float:
        """logits (V,) -> the change of them, in nats, up to which the same token is drawn; blur: of earlier choices."""
        r = (int(point) << VARIATE_BITS) // int(width)
        edges = sampling_margin.of_draw(self.weights({}, logits), self.allowed({}, logits), r, blur)
        return min(self.law.clearance(logits, r), edges, np.inf if blur == 1 else LARGEST)

    def summary(self, draws: np.ndarray) -> str:
        """The statistics of draws (count, 6), in words."""
        return self.law.summary(draws)


def _cells(size: int, bits: int):
    """Weights, a third of them 0, and points below widths of so many bits, for `cell`."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        weight = g.integers(1, (2**31 - 1) // size, size=(6, size)) * (g.random((6, size)) < 2 / 3)
        weight[:, -1] += 1
        width = g.integers(2 ** (bits - 1), 2**bits, 6, endpoint=True)
        point = g.integers(0, width)
        point[:2] = 0, width[1] - 1
        return weight, point, width

    return draw


def _separated(size: int, count: int):
    """Logits of which the greatest `count` lie 1 nat or more above the others, so that slopes keep clear of ties."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        logits = logits_of(g, 1, size)
        return (logits + (logits >= np.sort(logits)[:, -count, None]),)

    return draw


CASES = (
    Case("section: all", GoldenSection(), lambda g: (logits_of(g, 3),)),
    Case("section: the contract's vocabulary", GoldenSection(Plain(0.9, 500)), _separated(50_257, 500)),
    Case("section: truncated", GoldenSection(Plain(0.8, 9, 0.9, 0.1)), lambda g: (logits_of(g, 3),)),
    Case("section: modal", GoldenSection(Modality()), lambda g: (logits_of(g, 2),)),
    Case("section: one token", GoldenSection(), lambda g: (g.normal(size=(2, 1)),)),
    Case("section: cell", GoldenSection(), _cells(23, 32), method="cell"),
    Case("section: cell, few bits", GoldenSection(bits=3), _cells(11, 3), method="cell"),
    Case("section: cell, one token", GoldenSection(), _cells(1, 32), method="cell"),
    Case("section: cell, the contract's vocabulary", GoldenSection(), _cells(50_257, 32), method="cell"),
)
THEOREMS = theorems(GoldenSection)


SYSTEM = System(
    "sample",
    "E10, extreme and mean ratio",
    job="draws the next token: many continuations at once, one code point each, all far apart",
    command="lyceum sample RUN N",
)
