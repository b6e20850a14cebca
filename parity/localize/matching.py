"""Which array of one call corresponds to which of another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from lyceum.personas.spec.case import representable

Named = dict[str, np.ndarray]
Pairs = list[tuple[str, str]]


def match_arrays(mlx: Named, torch: Named, distance: Callable[[np.ndarray, np.ndarray], float]) -> Pairs:
    """(MLX's name, PyTorch's) of arrays of one shape and dtype class, each used once: the nearest, then the first."""
    free, pairs = dict(torch), []
    for name, x in mlx.items():
        fitting = [other for other, y in free.items() if (y.shape, dtype_class(y)) == (x.shape, dtype_class(x))]
        if fitting:
            nearest = min(fitting, key=lambda other: distance(x, free[other]))
            pairs.append((name, nearest))
            del free[nearest]
    return pairs


def dtype_class(x: np.ndarray) -> str:
    """Floating "f", integer "i", boolean "b"."""
    return "i" if x.dtype.kind == "u" else x.dtype.kind


def greatest_difference(x: np.ndarray, y: np.ndarray) -> float:
    """The greatest difference, where both are finite."""
    both = np.isfinite(x) & np.isfinite(y)
    return float(np.abs(x[both].astype(float) - y[both].astype(float)).max(initial=0.0))


def split(pairs: Pairs) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(MLX's names, PyTorch's names)."""
    return tuple(mlx for mlx, _ in pairs), tuple(torch for _, torch in pairs)


def unmatched(arrays: Named, pairs: Pairs, side: int) -> Named:
    """The arrays that are in no pair. side: 0 for MLX's, 1 for PyTorch's."""
    matched = {pair[side] for pair in pairs}
    return {name: x for name, x in arrays.items() if name not in matched}


def any_computed(arrays: Named) -> bool:
    """Whether one of them is the result of a computation: floating, and not exact in float32."""
    return any(x.dtype.kind == "f" and not np.array_equal(representable(x), x) for x in arrays.values())


def only_one_side(verb: str, arrays: list[Named]) -> Iterator[str]:
    """What MLX alone, and what PyTorch alone, "is given" or "returns": a clause each."""
    for framework, named in zip(("MLX", "PyTorch"), arrays, strict=True):
        if named:
            yield f"{framework} alone {verb} {shapes(named)}"


def shapes(arrays: Named) -> str:
    """Such as "int64 (1, 16), 2 float64 (1, 16, 8)"."""
    counts = Counter(f"{x.dtype.name} {x.shape}" for x in arrays.values())
    return ", ".join(f"{n} {words}" if n > 1 else words for words, n in counts.items()) or "no arrays"
