"""A15, many predicates: the embedding as a superposition of what is said of a token, each predicate bound by a key.

Idea. One thing has many predicates at once, and each is said in a sense of its own: "of Socrates, that he is a man,
that he is white, that he is in the Lyceum" (Categories 4). A token is the sum of its predicates, and a predicate is the
same vector wherever it is said. So of a token that training met once, or never, all is known but its stem.

Equations. The K = 7 predicates of a token are its genus and species in the tree (`lyceum.personas.aristotle.tokenize`)
and space, case, class, ending and stem (`lyceum.personas.aristotle.superpose.predicates`). v_k(w) is the value of the
k-th, A_k its table with n = d/2 columns. Take the channels in pairs, as planes j = 1 .. n: R_k turns plane j by

    theta_kj = pi (k s_j mod K) / K,     s_j = 1, 2, .. (K - 1) / 2 and over again,     k = 0 .. K - 1
    e(w) = sum_k R_k (a_k(w), 0),        a_k(w) = A_k[v_k(w)]

so e_j = sum_k cos(theta_kj) a_kj and e_(j + n) = sum_k sin(theta_kj) a_kj. The head is the tree's, unchanged.

Why half the width. If every predicate had a table of width d, training would absorb R_k: A_k R_k^T is any table again.
At half the width it cannot: a predicate lies in n of the d dimensions, and the keys say in which. They are constructed,
not drawn: the K lines of a plane are K equal parts of half a turn, and predicates that are near in one plane are far in
others. K is an odd prime, so that k s_j mod K runs through all lines. No number is stored, and turns commute.

Theorems (`lyceum.personas.aristotle.superpose.theorems`), for P (x, y) = (x, 0), which is an orthogonal projection:
 1. P R_k^T e = a_k + sum_(l != k) cos(theta_k - theta_l) a_l, entry by entry: crosstalk is known exactly, and at most
    sum_(l != k) |P R_k^T R_l P| |a_l|, with norms max_j |cos(theta_kj - theta_lj)| < 1.
 2. If no plane has two predicates, all are recovered exactly: the images of the projections R_k P_k R_k^T are then
    perpendicular.
 3. No keys are further apart in the mean over planes: where (K - 1) / 2 divides n, the mean of cos^2(theta_k - theta_l)
    over the planes is (K - 2) / (2 (K - 1)) for every pair, which is the simplex bound for K subspaces of n in 2n
    dimensions. Proof: s (k - l) mod K runs through 1 .. (K - 1) / 2 up to sign, and the cosines of all multiples of
    2 pi / K sum to 0.
 4. The order of binding does not matter: R_k R_l = R_l R_k, and turning by the key of 1 binds every predicate
    by the next key, up to a sign in each plane.
 5. What is said of one is said of all: tokens that differ in one predicate differ by one vector,
    e(w) - e(w') = e(u) - e(u') if w, w' differ as u, u' do.
 6. Space, case, ending and stem tell any two tokens of GPT-2's vocabulary apart (a test counts them).

Initial values. Stems begin at 0: of a stem that training does not meet nothing is said. Other tables are normal with
deviation 0.02, so that e has that of the tree's embedding, about 0.035.

Cost. 23,143 rows of d/2 instead of 52,256 of d: a model of 2,091,920 parameters instead of 3,393,824. A gather of K
rows and 4 K n operations a token.
Sources: Smolensky 1990 (roles and fillers); Plate 1995 (holographic reduced representations); Kanerva 2009
(hyperdimensional computing); Conway, Hardin & Sloane 1996 (packings of subspaces).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lyceum import corpus
from lyceum.personas.aristotle.superpose.predicates import numbered
from lyceum.personas.aristotle.superpose.theorems import theorems
from lyceum.personas.aristotle.tokenize import CategoryTree, arrange, random_tree
from lyceum.personas.spec import tiny
from lyceum.personas.spec.benchmark import LayerBenchmark, Side
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System
from lyceum.rng import stream


def steps(n_predicates: int, n_planes: int) -> np.ndarray:
    """k s_j mod K, (K, n) int32: by how many K-th parts of half a turn a key turns a plane."""
    stride = 1 + np.arange(n_planes) % ((n_predicates - 1) // 2)
    return (np.arange(n_predicates)[:, None] * stride % n_predicates).astype(np.int32)


def in_one_table(values: np.ndarray) -> np.ndarray:
    """Values of predicates (V, K) -> their rows, when the tables of all predicates stand one below the other."""
    sizes = values.max(0) + 1
    return values + np.cumsum(sizes, dtype=np.int32) - sizes


@dataclass(frozen=True, eq=False)
class Superposition(CategoryTree):
    """The fields of the tree, for the head, and rows (V, K) int32: the rows of every token's predicates.

    The stem is the last predicate; its rows are the last of the table.
    """

    rows: np.ndarray = field(repr=False)

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"embed_predicate": (rows, d / 2), and the head's}: normal with deviation 0.02; stems and head are 0."""
        table = np.zeros((self.rows.max() + 1, self.n_embd // 2))
        first_stem = self.rows[:, -1].min()
        table[:first_stem] = stream.normal(0, 0.02, table[:first_stem].shape)
        tree = super().initial(stream, n_layer)
        return {"embed_predicate": table} | {name: x for name, x in tree.items() if name.startswith("head")}

    @property
    def angles(self) -> np.ndarray:
        """theta, (K, n) radians."""
        n_predicates = self.rows.shape[1]
        return steps(n_predicates, self.n_embd // 2) * (np.pi / n_predicates)

    def embed(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> (B, T, d) float64."""
        a = p["embed_predicate"][self.rows[ids]]
        return np.concatenate([(np.cos(self.angles) * a).sum(-2), (np.sin(self.angles) * a).sum(-2)], axis=-1)


def superposed(tree: CategoryTree, surface: np.ndarray) -> Superposition:
    """The superposition of a tree's genus and species and of surface predicates (V, 5)."""
    genus, species, _ = tree.path(np.arange(len(surface)))
    values = np.column_stack([genus, genus * tree.shape[1] + species, surface]).astype(np.int32)
    return Superposition(**vars(tree), rows=in_one_table(values))


def random_surface(g: np.random.Generator, n_vocab: int, n_stems: int) -> np.ndarray:
    """Surface predicates (V, 5) int32 with few values each, and stems."""
    return np.column_stack([g.integers(0, n, n_vocab) for n in (2, 3, 4, 6, n_stems)]).astype(np.int32)


def random_superposition(g: np.random.Generator, n_embd: int = 8) -> Superposition:
    """A random tree of 45 ids with random predicates."""
    tree = random_tree(g)
    return superposed(CategoryTree(**vars(tree) | {"n_embd": n_embd}), random_surface(g, 45, 20))


MANY = random_superposition(np.random.default_rng(15))
WIDE = random_superposition(np.random.default_rng(16), n_embd=32)


def _ids(*shape: int):
    return lambda g: (g.integers(0, 45, shape).astype(np.int32),)


CASES = (
    Case("superpose: embed, ids repeated", MANY, lambda g: (g.integers(0, 9, (3, 7)).astype(np.int32),), "embed"),
    Case("superpose: embed, all ids", MANY, lambda g: (np.arange(45, dtype=np.int32)[None],), "embed"),
    Case("superpose: embed, the contract's sizes", WIDE, _ids(8, 64), "embed"),
    Case("superpose: embed, one token", MANY, _ids(1, 1), "embed"),
    Case("superpose: log_prob", MANY, lambda g: (g.normal(size=(2, 7, 8)), *_ids(2, 7)(g)), "log_prob"),
    Case("superpose: uncertainty", MANY, lambda g: (g.normal(size=(2, 7, 8)),), "uncertainty"),
)
THEOREMS = theorems(random_superposition)


def _of_contract() -> tuple[Superposition, CategoryTree]:
    """The contract's sizes, with random predicates, and the tree."""
    g, n_vocab = stream(0, "superpose/benchmark"), 50_257
    groups = np.array_split(np.arange(n_vocab), 1024)
    tree = CategoryTree(32, **arrange(groups, np.full(n_vocab, 1 / n_vocab), (32, 32)))
    return superposed(tree, random_surface(g, n_vocab, 22_000)), tree


BENCHMARKS = (
    LayerBenchmark(
        "A15 superposition / tree, embedding",
        *(Side(spec, (), "embed", ids=50_257) for spec in _of_contract()),
        budget=1.5,
    ),
)


def _tiny_tables() -> dict[str, np.ndarray]:
    return {"surface": random_surface(stream(0, "tiny-superpose"), tiny.N_VOCAB, 40)}


SYSTEM = System(
    "superpose",
    "A15, many predicates",
    job="embedding: a token is the sum of its predicates, so that rare tokens share vectors with common ones",
    needs=("tokenize",),
    tables=lambda ids: {"surface": numbered(corpus.vocabulary())},
    tiny_tables=_tiny_tables,
    build=lambda modules, sizes, tables: {"vocabulary": superposed(modules["vocabulary"], tables["surface"])},
)
