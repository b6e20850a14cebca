"""What a layer may cost beside the one that it replaces: records that a reference's module lists as BENCHMARKS.

`python -m parity layer-benchmarks` collects them by walking `lyceum.personas`, as it does cases and theorems, and runs
both layers of each in turns. A budget is the greatest ratio that the project allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = ((8, 64, 32),)  # the contract's batch as the layers see it: batch_size, block_size, n_embd


@dataclass(frozen=True)
class Side:
    """One of two layers. spec: its reference. shapes: of the method's floating arguments. method: which is called.

    ids: if it takes token ids as well, after these, how many there are; the contract's batch is drawn of them.
    """

    spec: Any
    shapes: tuple[tuple[int, ...], ...] = BLOCK
    method: str = "__call__"
    ids: int = 0


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


def long(length: int) -> tuple[tuple[int, ...], ...]:
    """The shape of one sequence of `length` tokens."""
    return ((1, length, 32),)


def against(name: str, candidate: Any, reference: Any, **options: Any) -> LayerBenchmark:
    """Two layers on the contract's batch."""
    return LayerBenchmark(name, Side(candidate), Side(reference), **options)


def scans(label: str, spec: Any, attention: Any) -> tuple[LayerBenchmark, ...]:
    """What a scan costs beside attention, and how far from linear it is. label: "A2", the system's number."""
    name = f"{label} scan"
    return (
        against(f"{name} / attention, T = 64", spec, attention, budget=4.0),
        *(
            LayerBenchmark(f"{name} / attention, T = {n:,}", Side(spec, long(n)), Side(attention, long(n)))
            for n in (1024, 4096)
        ),
        LayerBenchmark(
            f"{name}, T = 4,096 / 8 x T = 512", Side(spec, long(4096)), Side(spec, long(512)), per=8.0, budget=1.5
        ),
    )


def decoding(label: str, spec: Any, attention: Any) -> tuple[LayerBenchmark, ...]:
    """What one new token costs after many others, beside attention that keeps all keys and values."""
    return tuple(
        LayerBenchmark(
            f"{label} decode after {cached:,} cached tokens / plain keys and values",
            _decode(spec, cached),
            _decode(attention, cached),
            gradient=False,
        )
        for cached in (64, 1024, 4096)
    )


def _decode(spec: Any, cached: int) -> Side:
    """One new token of one text after `cached` others. In an empty cache the axis of the tokens has length 0."""
    cache = (tuple(size or cached for size in x.shape) for x in spec.start(1))
    return Side(spec, (*cache, (1, 1, spec.n_embd)), "step")
