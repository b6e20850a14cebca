"""The layer benchmarks, as records: what is timed beside what, and the budget of the ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyceum.personas.aristotle.attention import Syllogism
from lyceum.personas.aristotle.mla import LatentAttention
from lyceum.personas.aristotle.moe import PorphyryTree
from lyceum.personas.aristotle.norm import GatedMesotes, GoldenMean
from lyceum.personas.aristotle.ssm import SelectiveStateSpace
from lyceum.personas.baseline.attention import Attention
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.euclid.attention import CircleAttention
from lyceum.personas.euclid.mla import Projection
from lyceum.personas.euclid.moe import SimplexExperts
from lyceum.personas.euclid.norm import ChordPerceptron, SphereNorm
from lyceum.personas.euclid.ssm import RigidMotion


@dataclass(frozen=True)
class Side:
    """One of two layers. spec: its reference. shapes: of the method's floating arguments. method: which is called."""

    spec: Any
    shapes: tuple[tuple[int, ...], ...]
    method: str = "__call__"


@dataclass(frozen=True)
class LayerBenchmark:
    """name: what is compared. candidate, reference: the two layers. gradient: whether the backward pass runs too.

    per: the candidate's work, in the reference's. budget: the greatest ratio that the project allows, if any.
    """

    name: str
    candidate: Side
    reference: Side
    gradient: bool = True
    per: float = 1.0
    budget: float = np.inf


BLOCK = ((8, 64, 32),)


def long(length: int) -> tuple[tuple[int, ...], ...]:
    """The shape of one sequence of `length` tokens."""
    return ((1, length, 32),)


def against(name: str, candidate: Any, reference: Any, **options: Any) -> LayerBenchmark:
    """Two layers on the contract's batch."""
    return LayerBenchmark(name, Side(candidate, BLOCK), Side(reference, BLOCK), **options)


def scans(system: str, spec: Any) -> tuple[LayerBenchmark, ...]:
    """What a scan costs beside attention, and how far from linear it is."""
    lengths = (1024, 4096)
    name, shapes = f"{system} scan", (long(4096), long(512))
    return (
        against(f"{name} / attention, T = 64", spec, ATTENTION, budget=4.0),
        *(
            LayerBenchmark(f"{name} / attention, T = {n:,}", Side(spec, long(n)), Side(ATTENTION, long(n)))
            for n in lengths
        ),
        LayerBenchmark(
            f"{name}, T = 4,096 / 8 x T = 512", *(Side(spec, shape) for shape in shapes), per=8.0, budget=1.5
        ),
    )


def decoding(spec: Any, cached: int) -> Side:
    """One new token of one text after `cached` others."""
    cache = tuple(_grown(x.shape, cached) for x in spec.start(1))
    return Side(spec, (*cache, (1, 1, spec.n_embd)), "step")


def _grown(shape: tuple[int, ...], cached: int) -> tuple[int, ...]:
    """The shape of an array of a cache after `cached` tokens; in an empty cache their axis has length 0."""
    return tuple(size or cached for size in shape)


ATTENTION, NORM, PERCEPTRON = Attention(32, 4), LayerNorm(32), MLP(32)
SCAN, TREE, ORGANON = SelectiveStateSpace(32, 4), PorphyryTree(32, 3, 20), LatentAttention(32, 4)
MOTION, SIMPLEX, PROJECTION = RigidMotion(32, 4), SimplexExperts(32, 32), Projection(32, 4)
CIRCLE = CircleAttention(32, 4)
CACHES = {"A6": ORGANON, "E6": PROJECTION, "A2": SCAN, "E2": MOTION}
LAYER_BENCHMARKS = (
    against("A3 syllogism / attention", Syllogism(32, 4), ATTENTION, budget=2.2),
    against("E3 circle / attention", CIRCLE, ATTENTION, budget=1.3),
    LayerBenchmark(
        "E3 circle / attention, T = 1,024", Side(CIRCLE, long(1024)), Side(ATTENTION, long(1024)), budget=1.3
    ),
    *scans("A2", SCAN),
    *scans("E2", MOTION),
    against("A6 latent attention / attention", ORGANON, ATTENTION),
    against("E6 projection / attention", PROJECTION, ATTENTION),
    LayerBenchmark("A1 sparse / dense, E = 8", Side(TREE, BLOCK), Side(TREE, BLOCK, "dense"), budget=1.0),
    LayerBenchmark("A1 sparse / dense, E = 8, forward", Side(TREE, BLOCK), Side(TREE, BLOCK, "dense"), gradient=False),
    LayerBenchmark("E1 sparse / dense, E = 8, k = 2", Side(SIMPLEX, BLOCK), Side(SIMPLEX, BLOCK, "dense"), budget=1.0),
    against("E1 simplex of experts / GELU perceptron", SIMPLEX, PERCEPTRON),
    against("A9 golden mean / layer norm", GoldenMean(32), NORM),
    against("E9 sphere / layer norm", SphereNorm(32), NORM),
    against("A9 gated mesotes / GELU perceptron", GatedMesotes(32, 85), PERCEPTRON),
    against("E9 gated chord / GELU perceptron", ChordPerceptron(32, 85), PERCEPTRON),
    *(
        LayerBenchmark(
            f"{system} decode after {cached:,} cached tokens / plain keys and values",
            decoding(spec, cached),
            decoding(ATTENTION, cached),
            gradient=False,
        )
        for system, spec in CACHES.items()
        for cached in (64, 1024, 4096)
    ),
)
