"""E8, division with remainder: the vocabulary as numbers on a line, each known by its quotient and its remainders.

Idea. Let the tokens stand on one line, the n-th at n (`lyceum.personas.euclid.tokenize.seriation`). A number is given
by its quotient and its remainder; it is given again by its remainders on two numbers without a common measure. So
tables of about sqrt V rows suffice for V tokens: a token's vector is the sum of the vectors of all that it leaves.

Equations, for the token w of rank n, with C = 225 columns a row, moduli m_1 .. m_k and a hidden vector x:
    n = C q + r;                r_j = n mod m_j
    embed(w)     = Q_q + R_r + sum_j M_j[r_j]
    log p(q)     = log_softmax_q (x . Q'_q + log p0(q))
    log p(r | q) = log_softmax_r (x . (R'_r + sum_j M'_j[(C q + r) mod m_j]) + log p0(r | q)),  empty columns at -inf
    log p(w)     = log p(q) + log p(r | q)
No id has a parameter that is its alone: Q', R', M' are 224 + 225 + 1,900 rows for 50,257 ids. p0 is the smoothed
unigram (`lyceum.personas.tokens.unigram`), a measured constant, as in Aristotle's tree: without it frequencies would be
learned as sums of shared vectors.

Why the head uses the remainders. A table over r alone could score columns with two moduli; but r meets q only in an
interaction, which ties unlike tokens. Here the remainders that embed a token score it too, each an inner product with
x, in which the loss is convex as a flat softmax's. One more modulus costs little and separates tokens further, so there
are eight, the first primes from 223 on. In a log-bilinear model (800 iterations, the last tenth of the training split
left out, one seed), with eight moduli in the embedding, two in the head gave 5.316 nats, four 5.277, and eight 5.245
(other primes). These primes give 5.229, without base rates 5.397; Aristotle's tree 5.236.

Measured on that tenth, with blocks and rotary positions, 1,000 iterations, one seed: 5.235; Aristotle's tree 5.249 with
17 times the parameters of the full model. An iteration takes 0.95 (0.5 to 1.3) times the tree's in PyTorch, 0.88 (0.86
to 0.98) in MLX.

Theorems (`lyceum.personas.euclid.tokenize.theorems`).
 1. w -> n -> (q, r) is a bijection onto the filled columns, 0 <= r < C. The last row has V mod C = 82 columns.
 2. Any two remainders r_i, r_j give n back (`lyceum.personas.euclid.tokenize.remainders`), since
    m_i m_j >= 223 . 227 = 50,621 > V; so two tokens agree in at most one of the eight.
 3. sum_w p(w) = 1, with no mass on empty columns: softmaxes over rows, and over the filled columns of each row.
 4. At x = 0, p = p0.
 5. A target's loss needs 2,349 inner products, below 11 sqrt V, instead of V; the full distribution O(k V d).

Cost. 2,349 d numbers each to embed and to score. Sources: Elements VII.1-2; Shi and others 2020 (remainders); Li and
others 2016 (LightRNN: rows and columns); Kautz & Singleton 1964 (codes that agree in few coordinates).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

from lyceum import corpus
from lyceum.personas.euclid.tokenize.angle import cosine
from lyceum.personas.euclid.tokenize.remainders import primes
from lyceum.personas.euclid.tokenize.seriation import seriate
from lyceum.personas.euclid.tokenize.theorems import theorems
from lyceum.personas.spec import tiny
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System
from lyceum.personas.tokens.unigram import base_rates
from lyceum.rng import stream

COLUMNS, MODULI = 225, primes(8, least=223)


def tables(train_ids: np.ndarray, vocabulary: list[bytes]) -> dict[str, np.ndarray]:
    """The tables of `arrange` for a training split (N,) and the byte string of every id."""
    rates = base_rates(train_ids, vocabulary)
    # One thread: the sums, and so the line, are the same on any number of cores.
    with threadpool_limits(1, "blas"):
        return arrange(seriate(train_ids, vocabulary, rates, COLUMNS), rates, COLUMNS)


def arrange(rank: np.ndarray, rates: np.ndarray, columns: int) -> dict[str, np.ndarray]:
    """The tables of a line in rows of `columns`. rank (V,): a permutation of 0 .. V - 1. rates (V,) > 0, sum 1.

    rank (V,) int32. base_row (rows,), base_column (rows, columns): log p0(q), log p0(r | q), -inf where no token is.
    within (rows,): the entropy of p0(r | q). All but rank are float32, rounded once, for reference and backends.
    """
    grid = np.zeros((-(-len(rank) // columns), columns))
    grid.flat[rank] = rates
    rows = grid.sum(1)
    with np.errstate(divide="ignore"):
        among = np.log(grid / rows[:, None])
    within = -(np.exp(among) * np.maximum(among, -1e9)).sum(1)
    logs = {"base_row": np.log(rows / rows.sum()), "base_column": among, "within": within}
    return {"rank": rank.astype(np.int32)} | {name: x.astype(np.float32) for name, x in logs.items()}


@dataclass(frozen=True, eq=False)
class Division:
    """n_embd: the width d. rank to within: the tables of `arrange`. moduli: m_1 .. m_k. LOGITS: those of a token."""

    LOGITS: ClassVar = ("quotient", "remainder")
    n_embd: int
    rank: np.ndarray = field(repr=False)
    base_row: np.ndarray = field(repr=False)
    base_column: np.ndarray = field(repr=False)
    within: np.ndarray = field(repr=False)
    moduli: tuple[int, ...] = MODULI

    @property
    def sizes(self) -> tuple[int, ...]:
        """The rows of a table that belong to q, to r and to each modulus."""
        return *self.base_column.shape, *self.moduli

    def with_tiny_vocabulary(self) -> Division:
        """A copy with moduli for the ids of `lyceum.personas.spec.tiny`."""
        return replace(self, moduli=primes(len(MODULI), least=11))

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"embedding", "head": (sum of sizes, d)}: Q, R, M_1 .. M_k, one below the other.

        The embedding is normal with deviation 0.02; the head is 0, so it starts as the base rates.
        """
        shape = (sum(self.sizes), self.n_embd)
        return {"embedding": stream.normal(0, 0.02, shape), "head": np.zeros(shape)}

    def split(self, table: np.ndarray) -> list[np.ndarray]:
        """A table -> Q, R, M_1 .. M_k."""
        return np.split(table, np.cumsum(self.sizes)[:-1])

    def remainders(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (...) -> q, r, r_1 .. r_k, (..., 2 + k) integers."""
        n = self.rank[ids].astype(np.int64)
        return np.stack([*np.divmod(n, self.base_column.shape[1]), *(n % m for m in self.moduli)], axis=-1)

    def embed(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> (B, T, d) float64."""
        index = self.remainders(p, ids)
        return sum(table[index[..., i]] for i, table in enumerate(self.split(p["embedding"])))

    def levels(self, p: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x (..., d) -> log p(q), (..., rows), and log p(r | q) of every row, (..., rows, columns)."""
        rows, columns, *others = self.split(p["head"])
        n = np.arange(self.base_column.size).reshape(self.base_column.shape)
        vectors = columns + sum(table[n % m] for m, table in zip(self.moduli, others, strict=True))
        among = np.einsum("...d,qrd->...qr", x, vectors) + self.base_column
        return log_softmax(x @ rows.T + self.base_row, axis=-1), log_softmax(among, axis=-1)

    def log_probs(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> log p(w | x) for every id, (..., V), nats."""
        row, column = self.levels(p, x)
        return (row[..., None] + column).reshape(*x.shape[:-1], -1)[..., self.rank]

    def log_prob(self, p: dict[str, np.ndarray], x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """x (..., d), targets (...) -> log p(target | x), (...), nats."""
        return np.take_along_axis(self.log_probs(p, x), targets[..., None], axis=-1)[..., 0]

    def proper_scores(self, p: dict[str, np.ndarray], x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """x (..., d), targets (...) -> log p(target), and the cosines of p(q) and p(r | q) with the target's axes."""
        (row, column), (q, r, *_) = self.levels(p, x), np.moveaxis(self.remainders(p, targets), -1, 0)
        among = np.take_along_axis(column, q[..., None, None], axis=-2)[..., 0, :]
        return np.stack([self.log_prob(p, x, targets), cosine(row, q), cosine(among, r)], axis=-1)

    def directions(self, p: dict[str, np.ndarray], targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """targets (...) -> vectors (..., 2, d) and constants (..., 2): LOGITS are vector . x + constant."""
        q, r, *_ = index = np.moveaxis(self.remainders(p, targets), -1, 0)
        row, *column = (table[each] for each, table in zip(index, self.split(p["head"]), strict=True))
        return np.stack([row, sum(column)], -2), np.stack([self.base_row[q], self.base_column[q, r]], -1)

    def uncertainty(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> entropy of q; entropy of w if r given q has base rates; greatest log p(q), (..., 3), nats."""
        row, _ = self.levels(p, x)
        among = -(np.exp(row) * row).sum(-1)
        return np.stack([among, among + np.exp(row) @ self.within.astype(np.float64), row.max(-1)], axis=-1)


def tiny_line(generator: np.random.Generator, n_vocab: int = 45) -> Division:
    """45 tokens in rows of 6, the last with 3; moduli 7, 11, 13, any two of which tell 45 numbers apart."""
    line = arrange(generator.permutation(n_vocab), generator.dirichlet(np.ones(n_vocab)), 6)
    return Division(8, **line, moduli=primes(3, least=7))


TINY = tiny_line(np.random.default_rng(8))
LAST = np.argsort(TINY.rank)[None, -3:].astype(np.int32)


CASES = (
    Case("division: embed, ids repeated", TINY, lambda g: (g.integers(0, 9, (3, 7)).astype(np.int32),), "embed"),
    Case("division: log_prob", TINY, lambda g: (g.normal(size=(2, 7, 8)), g.integers(0, 45, (2, 7))), "log_prob"),
    Case("division: log_prob, last row", TINY, lambda g: (g.normal(size=(1, 3, 8)), LAST), "log_prob"),
    Case("division: log_probs", TINY, lambda g: (g.normal(size=(2, 3, 8)),), "log_probs"),
    Case("division: large logits", TINY, lambda g: (30 * g.normal(size=(1, 3, 8)),), "log_probs"),
    Case("division: uncertainty", TINY, lambda g: (g.normal(size=(2, 7, 8)),), "uncertainty"),
)
THEOREMS = theorems(tiny_line)


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
