"""A17, one genus, one component: species of one genus are drawn together, relative to the gaps between genera.

Idea. A genus is one by what holds it together (Metaphysics V.6). Let balls grow around the vectors of some species:
they merge, component by component, and the radii at which components end are the 0-dimensional persistent homology of
the vectors. What ends within a genus should end early, beside what ends between two genera.

Equations, for the species of the tokens at every eighth position of a batch, each once, n of them, with vectors
v_i = G[g] + S[g, s] of `lyceum.personas.aristotle.tokenize`:
    d_ij = |v_i - v_j|,     deaths = the lengths of the n - 1 edges of the minimum spanning tree
    penalty = log (mean of the deaths within a genus / mean of the deaths between genera), 0 if there are none of a sort
    loss = log loss + strength * penalty
The ratio is the same for vectors twice as long, so that neither growth nor decay of the vectors satisfies it.

The backends find the tree without a loop over its edges. M_ij, the least d such that a path of edges of at most d leads
from i to j, is the limit of M <- min_k max(M_ik, M_kj) from M = d, which doubles the paths each time; and i, j is an
edge of the tree exactly if d_ij = M_ij. Maxima and minima round nothing, so the test for equality is sound.

Theorems.
 1. (deaths) The edges with d_ij = M_ij are a minimum spanning tree, if all distances differ, and their lengths are the
    death times. Proof: Kruskal's algorithm takes i, j exactly if no path of shorter edges connects them, which is when
    two components merge.
 2. (isometries) v -> Q v + t with Q orthogonal changes no death; v -> 2 v doubles all and keeps the penalty's bits.
 3. (gradient) That of the penalty is one of n - 1 edge lengths, unit vectors along the edges: the tree does not change
    under a small move, as all distances differ.
 4. (stable) If no vector moves by more than e, the k-th death moves by at most 2 e: every d_ij moves by at most 2 e,
    and so does any maximum or minimum of them.

Cost. No parameters. 6 n^3 comparisons for n of at most 64, and n^2 distances, a step.
Sources: Edelsbrunner & Harer 2010 (persistence); Cohen-Steiner, Edelsbrunner & Harer 2007 (stability); Hofer et al.
2019 (connectivity as a loss); Gower & Ross 1969 (single linkage and spanning trees).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree

from lyceum.personas.properties.rotations import exact_rotation
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True, eq=False)
class OneComponent:
    """group: (V,) int32, the species of every id, numbered genus by genus. species: how many a genus has.

    strength: of the penalty, in nats. every: the distance of the positions whose species are taken. reads: the method
    of the vocabulary that gives their vectors.
    """

    reads: ClassVar[str] = "species_vectors"
    group: np.ndarray = field(repr=False)
    species: int
    strength: float = 0.05
    every: int = 8

    def weight(self, step: int, total_steps: int) -> float:
        """The strength, at every iteration."""
        return self.strength

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """There are no parameters."""
        return {}

    def ask(
        self, p: dict[str, np.ndarray], x: np.ndarray, ids: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """ids (B, T) -> the ids whose species are taken, (B, m)."""
        return (ids[:, :: self.every],)

    def deaths(self, p: dict[str, np.ndarray], vectors: np.ndarray, group: np.ndarray) -> np.ndarray:
        """vectors (n, d), species (n,) -> (n, n): the lengths of the tree's edges above the diagonal, else 0.

        Of several vectors of one species the first counts.
        """
        tree, first = np.zeros((len(vectors), len(vectors))), np.unique(group, return_index=True)[1]
        distance = np.sqrt(((vectors[:, None] - vectors[None]) ** 2).sum(-1))
        joined, others = [min(first)], sorted(set(first) - {min(first)})
        while others:  # Prim's algorithm
            near = distance[np.ix_(joined, others)]
            i, j = np.unravel_index(near.argmin(), near.shape)
            one, other = sorted((joined[i], others[j]))
            tree[one, other] = distance[one, other]
            joined.append(others.pop(j))
        return tree

    def losses(
        self, p: dict[str, np.ndarray], vectors: np.ndarray, ids: np.ndarray, targets: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """vectors (B, m, d), ids, targets (B, T), weight () -> what is added to the log loss, (B, T), nats."""
        group = self.group[ids[:, :: self.every]].reshape(-1)
        tree, genus = self.deaths(p, vectors.reshape(len(group), -1), group), group // self.species
        same = genus[:, None] == genus
        within, between = tree[same & (tree > 0)], tree[~same & (tree > 0)]
        penalty = np.log(within.mean() / between.mean()) if len(within) and len(between) else 0.0
        return np.full(ids.shape, weight * penalty)


GROUP = np.arange(45, dtype=np.int32) // 3  # 15 species, three ids of each
SPEC = OneComponent(GROUP, species=5, every=2)


def _drawn(g: np.random.Generator, n: int, repeated: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """n vectors in 4 dimensions and their species, all different or some repeated, with the same vector."""
    vectors = g.normal(size=(15, 4))
    group = g.integers(0, 15, n) if repeated else g.choice(15, n, replace=False)
    return vectors[group], group.astype(np.int32)


def _ring(g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """9 vectors around a ring: the widest gap is closed by the path through all others alone."""
    gaps = np.append(g.uniform(0.9, 1.0, 8), 1.3)
    angles = 2 * np.pi * np.cumsum(gaps) / gaps.sum()
    order = g.permutation(9)
    vectors = np.stack([np.cos(angles), np.sin(angles), 0 * angles, 0 * angles], -1)[order]
    return vectors, g.choice(15, 9, replace=False).astype(np.int32)


def _batch(g: np.random.Generator, batch: int = 2, length: int = 9) -> tuple[np.ndarray, ...]:
    ids, targets = g.integers(0, 45, size=(2, batch, length)).astype(np.int32)
    return g.normal(size=(15, 4))[GROUP[ids[:, ::2]]], ids, targets, np.array(0.5)


CASES = (
    Case("topology: deaths", SPEC, lambda g: _drawn(g, 9), "deaths", batched=False),
    Case("topology: deaths, species repeated", SPEC, lambda g: _drawn(g, 20, True), "deaths", batched=False),
    Case("topology: deaths, around a ring", SPEC, _ring, "deaths", batched=False),
    Case("topology: deaths, one point", SPEC, lambda g: _drawn(g, 1), "deaths"),
    Case("topology: losses", SPEC, _batch, "losses"),
    Case("topology: losses, 64 positions", SPEC, lambda g: _batch(g, 8, 16), "losses"),
)


def _deaths(evaluate, vectors: np.ndarray, group: np.ndarray) -> np.ndarray:
    return evaluate(SPEC, {}, "deaths", representable(vectors), group)


def _spanning(evaluate, g):
    vectors, group = _drawn(g, 12)
    vectors = representable(vectors)
    distance = np.sqrt(((vectors[:, None] - vectors[None]) ** 2).sum(-1))
    tree = minimum_spanning_tree(np.triu(distance)).toarray()
    return _deaths(evaluate, vectors, group), np.triu(tree + tree.T)


def _isometry(evaluate, g):
    vectors, group = _drawn(g, 12)
    vectors = np.round(64 * vectors) / 64  # so that moving them rounds nothing
    moved = vectors @ exact_rotation(g, 1).T + g.integers(-3, 4, size=4)
    return np.sort(_deaths(evaluate, moved, group).ravel()), np.sort(_deaths(evaluate, vectors, group).ravel())


def _scale(evaluate, g):
    vectors, ids, targets, weight = _batch(g)
    vectors = representable(vectors)
    return tuple(evaluate(SPEC, {}, "losses", factor * vectors, ids, targets, weight) for factor in (2.0, 1.0))


def _stable(evaluate, g):
    vectors, group = _drawn(g, 12)
    move = g.normal(size=vectors.shape)
    move *= 0.1 * g.uniform(size=(12, 1)) / np.sqrt((move**2).sum(-1, keepdims=True))
    before, after = (np.sort(_deaths(evaluate, x, group).ravel()) for x in (vectors, vectors + move))
    return np.clip(after, before - 0.2, before + 0.2), after


THEOREMS = (
    Theorem("topology: spanning tree", "the deaths are a minimum spanning tree's lengths", _spanning, length=8),
    Theorem("topology: isometry", "Q v + t has the same deaths", _isometry, length=32),
    Theorem("topology: scale", "2 v has the same penalty", _scale, length=0, exact=True),
    Theorem("topology: stable", "a move by e moves a death by at most 2 e", _stable, length=8),
)

SYSTEM = System(
    "topology",
    "A17, one genus, one component",
    job="training loss: species of one genus near each other, relative to the gaps between genera",
    module="regulariser",
    needs=("tokenize",),
    excludes={"superpose": "its embedding has no vectors of species"},
    build=lambda modules, sizes, tables: {
        "regulariser": OneComponent(modules["vocabulary"].species(), modules["vocabulary"].shape[1])
    },
)
