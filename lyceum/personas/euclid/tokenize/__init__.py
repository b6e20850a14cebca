"""E8, division with remainder: the vocabulary as numbers on a line, each known by what it leaves.

Idea. Let the tokens stand on one line (`lyceum.personas.euclid.tokenize.seriation`), the n-th at n. A number is given by its quotient
and its remainder; it is given again by its remainders on two numbers without a common measure. So tables of about
sqrt V rows suffice for V tokens: a token's vector is the sum of the vectors of all that it leaves.

Equations, for the token w of rank n, with C = 225 places a row, moduli m_1 .. m_k and a hidden vector x:
    n = C q + r;                r_j = n mod m_j
    embed(w)     = Q_q + R_r + sum_j M_j[r_j]
    log p(q)     = log_softmax_q (x . Q'_q + log p0(q))
    log p(r | q) = log_softmax_r (x . (R'_r + sum_j M'_j[(C q + r) mod m_j]) + log p0(r | q)),  no place: -inf
    log p(w)     = log p(q) + log p(r | q)
No id has a learned number of its own: Q', R', M' are 224 + 225 + 1,900 rows for 50,257 ids. p0 is the smoothed unigram
(`lyceum.personas.tokens.unigram`), a measured constant, as in A8: without it frequencies would be learned as sums of shared vectors.

What is mended. The plan has a table over r alone in the head, and two moduli. But a table over r meets q in an
interaction only, which ties unlike tokens; here the remainders that embed a token score it too, each an inner product
with x, in which the loss is convex as a flat softmax's. And a modulus more costs little and parts tokens further, so
there are eight, the first primes from 223 on. In a small log-bilinear model (800 iterations, the last tenth of the
training split held out, one seed), with eight that embed, two that score gave 5.316 nats, four 5.277, and eight 5.245
(other primes). As it stands it gives 5.229, without base rates 5.397; A8 5.236.

Measured on that tenth, with blocks and rotary positions, 1,000 iterations, one seed: 5.235; A8 5.249 with 17 times the
parameters of the whole model. An iteration takes 0.95 (0.5 to 1.3) times A8's in PyTorch, 0.88 (0.86 to 0.98) in MLX.

Theorems.
 1. w -> n -> (q, r) is a bijection onto the filled places, 0 <= r < C. The last row has V mod C = 82 places.
 2. Any two remainders r_i, r_j give n back (`lyceum.personas.euclid.tokenize.remainders`), since m_i m_j >= 223 . 227 = 50,621 > V; so
    two tokens agree in at most one of the eight.
 3. sum_w p(w) = 1, nothing left for places that no token fills: softmaxes over rows, and over each row's filled places.
 4. At x = 0, p = p0.
 5. A target's loss needs 2,349 inner products, below 11 sqrt V, instead of V; the whole distribution O(k V d).

Cost. 2,349 d numbers each to embed and to score. Sources: Elements VII.1-2; Shi and others 2020 (remainders); Li and
others 2016 (LightRNN: rows and columns); Kautz & Singleton 1964 (codes that agree in few places).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

from lyceum import corpus
from lyceum.personas.euclid.tokenize.remainders import number, primes
from lyceum.personas.euclid.tokenize.seriation import seriate
from lyceum.personas.spec import tiny
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System
from lyceum.personas.tokens.unigram import base_rates
from lyceum.rng import stream

COLUMNS, MODULI = 225, primes(8, least=223)


def tables(train_ids: np.ndarray, vocabulary: list[bytes]) -> dict[str, np.ndarray]:
    """The tables of `arrange` for a training split (N,) and the byte string of every id."""
    rates = base_rates(train_ids, vocabulary)
    # One thread: the same sums and so the same line on any number of cores.
    with threadpool_limits(1, "blas"):
        return arrange(seriate(train_ids, vocabulary, rates, COLUMNS), rates, COLUMNS)


def arrange(rank: np.ndarray, rates: np.ndarray, places: int) -> dict[str, np.ndarray]:
    """The rows that a line makes, of `places` each. rank (V,): a permutation of 0 .. V - 1. rates (V,) > 0, sum 1.

    rank: int32. base_row (rows,), base_place (rows, places): log p0(q), log p0(r | q), -inf where no token is.
    within (rows,): the entropy of p0(r | q). All float32, rounded here, once, for the definition and the backends.
    """
    grid = np.zeros((-(-len(rank) // places), places))
    grid.flat[rank] = rates
    rows = grid.sum(1)
    with np.errstate(divide="ignore"):
        among = np.log(grid / rows[:, None])
    within = -(np.exp(among) * np.maximum(among, -1e9)).sum(1)
    logs = {"base_row": np.log(rows / rows.sum()), "base_place": among, "within": within}
    return {"rank": rank.astype(np.int32)} | {name: x.astype(np.float32) for name, x in logs.items()}


@dataclass(frozen=True, eq=False)
class Division:
    """n_embd: the width d. rank to within: the tables of `arrange`. moduli: m_1 .. m_k."""

    n_embd: int
    rank: np.ndarray = field(repr=False)
    base_row: np.ndarray = field(repr=False)
    base_place: np.ndarray = field(repr=False)
    within: np.ndarray = field(repr=False)
    moduli: tuple[int, ...] = MODULI

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many rows of a table belong to q, to r and to each remainder."""
        return *self.base_place.shape, *self.moduli

    def with_tiny_vocabulary(self) -> Division:
        """The same with moduli for the ids of `lyceum.personas.spec.tiny`."""
        return replace(self, moduli=primes(len(MODULI), least=11))

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """One table embeds, normal with deviation 0.02; one scores, zero: the head starts as the base rates.

        Both hold Q, R, M_1 .. M_k, one below the other.
        """
        shape = (sum(self.sizes), self.n_embd)
        return {"embedding": stream.normal(0, 0.02, shape), "head": np.zeros(shape)}

    def parted(self, table: np.ndarray) -> list[np.ndarray]:
        """A table -> Q, R, M_1 .. M_k."""
        return np.split(table, np.cumsum(self.sizes)[:-1])

    def remainders(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (...) -> q, r, r_1 .. r_k, (..., 2 + k) whole numbers."""
        n = self.rank[ids].astype(np.int64)
        return np.stack([*np.divmod(n, self.base_place.shape[1]), *(n % m for m in self.moduli)], axis=-1)

    def embed(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> (B, T, d) float64."""
        left = self.remainders(p, ids)
        return sum(table[left[..., i]] for i, table in enumerate(self.parted(p["embedding"])))

    def levels(self, p: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x (..., d) -> log p(q), (..., rows), and log p(r | q) of every row, (..., rows, places)."""
        rows, places, *others = self.parted(p["head"])
        n = np.arange(self.base_place.size).reshape(self.base_place.shape)
        vectors = places + sum(table[n % m] for m, table in zip(self.moduli, others, strict=True))
        among = np.einsum("...d,qrd->...qr", x, vectors) + self.base_place
        return log_softmax(x @ rows.T + self.base_row, axis=-1), log_softmax(among, axis=-1)

    def log_probs(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> log p(w | x) for every id, (..., V), nats."""
        row, place = self.levels(p, x)
        return (row[..., None] + place).reshape(*x.shape[:-1], -1)[..., self.rank]

    def log_prob(self, p: dict[str, np.ndarray], x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """x (..., d), targets (...) -> log p(target | x), (...), nats."""
        return np.take_along_axis(self.log_probs(p, x), targets[..., None], axis=-1)[..., 0]

    def uncertainty(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> entropy of the row; of the token, were places as usual; greatest log p(row), (..., 3), nats."""
        row, _ = self.levels(p, x)
        among = -(np.exp(row) * row).sum(-1)
        return np.stack([among, among + np.exp(row) @ self.within.astype(np.float64), row.max(-1)], axis=-1)


def small_line(generator: np.random.Generator, n_vocab: int = 45) -> Division:
    """A line of few tokens in rows of 6, the last with 3; the moduli 7, 11, 13, any two of which know 45 numbers."""
    line = arrange(generator.permutation(n_vocab), generator.dirichlet(np.ones(n_vocab)), 6)
    return Division(8, **line, moduli=primes(3, least=7))


SMALL = small_line(np.random.default_rng(8))
LAST = np.argsort(SMALL.rank)[None, -3:].astype(np.int32)


CASES = (
    Case("division: embed, ids repeated", SMALL, lambda g: (g.integers(0, 9, (3, 7)).astype(np.int32),), "embed"),
    Case("division: log_prob", SMALL, lambda g: (g.normal(size=(2, 7, 8)), g.integers(0, 45, (2, 7))), "log_prob"),
    Case("division: log_prob, last row", SMALL, lambda g: (g.normal(size=(1, 3, 8)), LAST), "log_prob"),
    Case("division: log_probs", SMALL, lambda g: (g.normal(size=(2, 3, 8)),), "log_probs"),
    Case("division: large logits", SMALL, lambda g: (30 * g.normal(size=(1, 3, 8)),), "log_probs"),
    Case("division: uncertainty", SMALL, lambda g: (g.normal(size=(2, 7, 8)),), "uncertainty"),
)


def _posed(g: np.random.Generator) -> tuple[Division, dict[str, np.ndarray], np.ndarray]:
    return (spec := small_line(g)), Case("", spec, None).parameters(g), np.arange(45, dtype=np.int32)


def _division(evaluate, g):
    spec, p, ids = _posed(g)
    left = evaluate(spec, p, "remainders", ids)
    return 6 * left[:, 0] + left[:, 1], spec.rank


def _remainders(evaluate, g):
    spec, p, ids = _posed(g)
    left, (a, b) = evaluate(spec, p, "remainders", ids).astype(np.int64), g.choice(3, size=2, replace=False)
    return number(left[:, 2 + a], left[:, 2 + b], spec.moduli[a], spec.moduli[b]), spec.rank


def _total(evaluate, g):
    spec, p, _ = _posed(g)
    return np.exp(evaluate(spec, p, "log_probs", representable(g.normal(size=(4, 8))))).sum(-1), np.ones(4)


def _path(evaluate, g):
    spec, p, ids = _posed(g)
    x = np.broadcast_to(representable(g.normal(size=8)), (45, 8))
    return evaluate(spec, p, "log_prob", x, ids), evaluate(spec, p, "log_probs", x)[ids, ids]


def _rates(evaluate, g):
    spec, p, ids = _posed(g)
    # Normalised again, since the tables are rounded.
    row, place = (log_softmax(base.astype(np.float64), axis=-1) for base in (spec.base_row, spec.base_place))
    return evaluate(spec, p, "log_prob", np.zeros((45, 8)), ids), (row[:, None] + place).flat[spec.rank]


THEOREMS = (
    Theorem("division: quotient", "n = C q + r, for every id", _division, length=0, exact=True),
    Theorem("division: remainders", "two remainders give the number, for every id", _remainders, length=0, exact=True),
    Theorem("division: total", "the probabilities of all V ids sum to 1", _total, length=3 * 45),
    Theorem("division: path", "a target has its probability in the whole distribution", _path, length=64),
    Theorem("division: rates", "where nothing is known, the base rates", _rates, length=64),
)


def _tiny_tables() -> dict[str, np.ndarray]:
    generator = stream(0, "tiny-line")
    return arrange(generator.permutation(tiny.N_VOCAB), generator.dirichlet(np.ones(tiny.N_VOCAB)), 11)


SYSTEM = System(
    "tokenize",
    "E8, division with remainder",
    job="embedding and output head: tokens as numbers on a line, by quotient and remainders",
    module="vocabulary",
    tables=lambda ids: tables(ids, corpus.vocabulary()),
    tiny_tables=_tiny_tables,
    build=lambda modules, sizes, tables: {"vocabulary": Division(sizes.n_embd, **tables)},
)
