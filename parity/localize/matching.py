"""Matching: which array of one call is which of another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from lyceum.personas.spec.case import representable

Named = dict[str, np.ndarray]
Pairs = list[tuple[str, str]]


def matched(ours: Named, theirs: Named, apart: Callable[[np.ndarray, np.ndarray], float]) -> Pairs:
    """(our name, their name) of arrays of one shape and kind, each taken once: the least `apart`, then the first."""
    free, found = dict(theirs), []
    for name, x in ours.items():
        fitting = [other for other, y in free.items() if (y.shape, kind(y)) == (x.shape, kind(x))]
        if fitting:
            nearest = min(fitting, key=lambda other: apart(x, free[other]))
            found.append((name, nearest))
            del free[nearest]
    return found


def kind(x: np.ndarray) -> str:
    """Floating "f", whole "i", truth "b"."""
    return "i" if x.dtype.kind == "u" else x.dtype.kind


def distance(x: np.ndarray, y: np.ndarray) -> float:
    """The greatest difference, as far as both are finite."""
    both = np.isfinite(x) & np.isfinite(y)
    return float(np.abs(x[both].astype(float) - y[both].astype(float)).max(initial=0.0))


def split(pairs: Pairs) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(our names, their names)."""
    return tuple(ours for ours, _ in pairs), tuple(theirs for _, theirs in pairs)


def without(arrays: Named, pairs: Pairs, side: int) -> Named:
    """The arrays that no pair holds. side: 0 for ours, 1 for theirs."""
    held = {pair[side] for pair in pairs}
    return {name: x for name, x in arrays.items() if name not in held}


def computed(arrays: Named) -> bool:
    """Whether one of them is the result of a computation: floating, and not exact in float32."""
    return any(x.dtype.kind == "f" and not np.array_equal(representable(x), x) for x in arrays.values())


def clauses(verb: str, arrays: list[Named]) -> Iterator[str]:
    """What MLX, and what PyTorch, has alone."""
    for whose, own in zip(("MLX", "PyTorch"), arrays, strict=True):
        if own:
            yield f"{whose} alone {verb} {shapes(own)}"


def shapes(arrays: Named) -> str:
    """Such as "int64 (1, 16), 2 float64 (1, 16, 8)"."""
    counts = Counter(f"{x.dtype.name} {x.shape}" for x in arrays.values())
    return ", ".join(f"{n} {words}" if n > 1 else words for words, n in counts.items()) or "no arrays"
