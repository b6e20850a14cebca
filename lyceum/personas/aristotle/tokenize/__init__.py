"""A8, the categories: a tree over the vocabulary, for the embedding and for the output head.

Idea. To know a thing is to know its category. A token is defined by its genus and its difference: what is said of the
genus is said of the species, so a word seen once, or never, inherits what training said of its like.

Structure. Three levels, genus g(w), species s(w) within it, individual i(w) within that: 32 genera of 32 species of at
most 50 individuals. `leaf` is the index of a token in tree order, leaf = (32 g + s) * 50 + i; leaves without a token
are empty. `lyceum.personas.aristotle.tokenize.halving` makes the tree, `lyceum.personas.tokens.unigram` the base rates
p0.

Equations, for a hidden vector x:
    embed(w)     = G[g] + S[g, s] + I[leaf]
    log p(g)     = log_softmax_g (A_g . x + log p0(g))
    log p(s | g) = log_softmax_s (B_gs . x + log p0(s | g))
    log p(i | s) = log_softmax_i (C_leaf . x + log p0(i | s)),  empty leaves at -inf
    log p(w)     = log p(g) + log p(s | g) + log p(i | s)
The base rates are constants: training adds only what the context says. At x = 0 the head is the smoothed unigram, so
training starts from 6.5 nats instead of 10.8.

Theorems (`lyceum.personas.aristotle.tokenize.theorems`).
 1. w -> leaf is a bijection onto the filled leaves; leaf -> (g, s, i) is division with remainder, hence one too.
 2. sum_w p(w) = 1: the sum over individuals of one species is 1, then over species of one genus, then over genera.
 3. With one genus of one species of V individuals the head is the flat softmax with logits C x + log p0: the first two
    levels are softmaxes over one element, log p = 0.
 4. A target's loss needs three softmaxes over 32, 32 and 50 logits instead of one over V: O(sqrt V) whenever every
    level has at most c sqrt V branches; the full distribution costs O(V). (The backends score all 1,024 species in one
    product and take the target's 32: 1,106 dot products a token, below 5 sqrt V, and cheaper than a gather.)
Proof of 2: each level is a softmax, and by 1 the filled leaves partition the vocabulary.

Cost. (V + padding) d parameters for I and for C, 1,056 d for each pair of upper tables. Sources: Morin & Bengio 2005
(hierarchical softmax); Goodman 2001 (classes); Grave et al. 2017 (unequal costs).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.special import log_softmax

from lyceum import corpus
from lyceum.personas.aristotle.tokenize.arrangement import arrange, tables
from lyceum.personas.aristotle.tokenize.theorems import theorems
from lyceum.personas.spec import tiny
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System
from lyceum.rng import stream


@dataclass(frozen=True, eq=False)
class CategoryTree:
    """n_embd: the width d. The other fields are the tables of `arrange`. LOGITS: those of a token, a softmax each."""

    LOGITS: ClassVar = ("genus", "species", "individual")

    n_embd: int
    leaf: np.ndarray = field(repr=False)
    base_genus: np.ndarray = field(repr=False)
    base_species: np.ndarray = field(repr=False)
    base_individual: np.ndarray = field(repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(genera, species of each, individuals of each)."""
        return self.base_individual.shape

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Embedding tables normal with deviation 0.02; head tables zero: the head starts as the base rates."""
        genera, species, individuals = self.shape
        rows = {"genus": genera, "species": genera * species, "individual": genera * species * individuals}
        embedding = {f"embed_{level}": stream.normal(0, 0.02, (n, self.n_embd)) for level, n in rows.items()}
        return embedding | {f"head_{level}": np.zeros((n, self.n_embd)) for level, n in rows.items()}

    def path(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ids -> (genus, species within it, individual within that): theorem 1's division with remainder."""
        rest, individual = np.divmod(self.leaf[ids], self.shape[2])
        return *np.divmod(rest, self.shape[1]), individual

    def embed(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> (B, T, d) float64."""
        genus, species, _ = self.path(ids)
        group = genus * self.shape[1] + species
        return p["embed_genus"][genus] + p["embed_species"][group] + p["embed_individual"][self.leaf[ids]]

    def species(self) -> np.ndarray:
        """The species of every id, (V,) int32, numbered genus by genus."""
        return self.leaf // self.shape[2]

    def species_vectors(self, p: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
        """ids (...) -> G + S of their species, (..., d): the embedding without what is individual."""
        genus, species, _ = self.path(ids)
        return p["embed_genus"][genus] + p["embed_species"][genus * self.shape[1] + species]

    def levels(self, p: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x (..., d) -> log p(g), log p(s | g), log p(i | s) at every node, (..., genera[, species[, individuals]])."""
        heads = (p["head_genus"], p["head_species"], p["head_individual"])
        bases = (self.base_genus, self.base_species, self.base_individual)
        return tuple(
            log_softmax((x @ head.T).reshape(*x.shape[:-1], *base.shape) + base, axis=-1)
            for head, base in zip(heads, bases, strict=True)
        )

    def log_probs(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> log p(w | x) for every id, (..., V), nats."""
        genus, species, individual = self.levels(p, x)
        tree = genus[..., None, None] + species[..., None] + individual
        return tree.reshape(*x.shape[:-1], -1)[..., self.leaf]

    def log_prob(self, p: dict[str, np.ndarray], x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """x (..., d), targets (...) -> log p(target | x), (...), nats."""
        return np.take_along_axis(self.log_probs(p, x), targets[..., None], axis=-1)[..., 0]

    def directions(self, p: dict[str, np.ndarray], targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """targets (...) -> vectors (..., 3, d) and constants (..., 3): LOGITS are vector . x + constant."""
        genus, species, individual = self.path(targets)
        rows = {"genus": genus, "species": genus * self.shape[1] + species, "individual": self.leaf[targets]}
        bases = (
            self.base_genus[genus],
            self.base_species[genus, species],
            self.base_individual[genus, species, individual],
        )
        return np.stack([p[f"head_{level}"][row] for level, row in rows.items()], -2), np.stack(bases, -1)

    def uncertainty(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> entropy of the genus, entropy of the species, greatest log p(species), (..., 3), nats."""
        genus, species, _ = self.levels(p, x)
        joint = (genus[..., None] + species).reshape(*x.shape[:-1], -1)
        return np.stack([*(-(np.exp(q) * q).sum(-1) for q in (genus, joint)), joint.max(-1)], axis=-1)


def random_tree(generator: np.random.Generator, n_vocab: int = 45, shape: tuple[int, int] = (4, 3)) -> CategoryTree:
    """A tree over n_vocab ids: random rates, species of unequal size."""
    cuts = np.sort(generator.choice(np.arange(1, n_vocab), size=shape[0] * shape[1] - 1, replace=False))
    groups = np.split(generator.permutation(n_vocab), cuts)
    return CategoryTree(8, **arrange(groups, generator.dirichlet(np.ones(n_vocab)), shape))


TREE = random_tree(np.random.default_rng(8))


def _targets(g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return g.normal(size=(2, 7, 8)), g.integers(0, 45, size=(2, 7)).astype(np.int32)


CASES = (
    Case("tokenize: embed, ids repeated", TREE, lambda g: (g.integers(0, 9, (3, 7)).astype(np.int32),), "embed"),
    Case("tokenize: species vectors", TREE, lambda g: (g.integers(0, 9, (3, 7)).astype(np.int32),), "species_vectors"),
    Case("tokenize: log_prob", TREE, _targets, "log_prob"),
    Case("tokenize: log_prob, one target only", TREE,
         lambda g: (g.normal(size=(1, 6, 8)), np.full((1, 6), 11, np.int32)), "log_prob"),
    Case("tokenize: log_probs", TREE, lambda g: (g.normal(size=(2, 3, 8)),), "log_probs"),
    Case("tokenize: large logits", TREE, lambda g: (30 * g.normal(size=(1, 3, 8)),), "log_probs"),
    Case("tokenize: uncertainty", TREE, lambda g: (g.normal(size=(2, 7, 8)),), "uncertainty"),
)  # fmt: skip
THEOREMS = theorems(random_tree)


def _tiny_tables() -> dict[str, np.ndarray]:
    generator = stream(0, "tiny-tree")
    groups = np.array_split(generator.permutation(tiny.N_VOCAB), 12)
    return arrange(groups, generator.dirichlet(np.ones(tiny.N_VOCAB)), (4, 3))


SYSTEM = System(
    "tokenize",
    "A8, the categories",
    job="embedding and output head: a tree of genus, species and individual over the vocabulary",
    module="vocabulary",
    tables=lambda ids: tables(ids, corpus.vocabulary()),
    tiny_tables=_tiny_tables,
    build=lambda modules, sizes, tables: {"vocabulary": CategoryTree(sizes.n_embd, **tables)},
)
