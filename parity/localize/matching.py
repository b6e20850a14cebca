"""Which array of one call corresponds to which of another's, and where its entries lie (`axes`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from lyceum.personas.spec.case import representable
from parity.localize.axes import Axes, Shape, fitting_axes

Named = dict[str, np.ndarray]
Pairs = list[tuple[str, str, Axes]]
Distance = Callable[[np.ndarray, np.ndarray], float]
CLEARLY = 2.0  # one order of axes must be nearer than every other by this factor to be clear


def match_arrays(
    mlx: Named, torch: Named, distance: Distance, orders: tuple[Shape, ...] = (), usual: tuple[Shape, ...] = ()
) -> Pairs:
    """(MLX's name, PyTorch's, the axes) of arrays of fitting shapes and one dtype class, each used once.

    Of several the nearest, then the first. orders: of axes that are taken before any other, if the shapes allow them;
    usual: those that are taken where neither shapes nor values tell.
    """
    free, pairs = dict(torch), []
    for name, x in mlx.items():
        options = []
        for other, y in free.items():
            if dtype_class(y) == dtype_class(x) and (axes := chosen_axes(x, y, distance, orders, usual)):
                options.append((axes.torch != axes.mlx, distance(x, axes.to_mlx(y)), other, axes))
        if options:
            _, _, nearest, axes = min(options, key=lambda option: option[:2])
            pairs.append((name, nearest, axes))
            del free[nearest]
    return pairs


def chosen_axes(
    x: np.ndarray, y: np.ndarray, distance: Distance, orders: tuple[Shape, ...], usual: tuple[Shape, ...]
) -> Axes | None:
    """How the entries of PyTorch's `y` lie in MLX's `x`; None if the shapes do not fit."""
    fitting = list(fitting_axes(y.shape, x.shape))
    by_order = {axes.order: axes for axes in fitting}
    clear = clear_axes(x, y, distance)
    likely = (*orders, *((clear.order,) if clear else ()), *usual, *by_order)
    return next((by_order[order] for order in likely if order in by_order), None)


def clear_axes(x: np.ndarray, y: np.ndarray, distance: Distance) -> Axes | None:
    """The only axes that fit, or those by which the values are nearer than by any other; None if nothing is clear."""
    fitting = list(fitting_axes(y.shape, x.shape))
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    ranked = sorted(((distance(x, axes.to_mlx(y)), i) for i, axes in enumerate(fitting)))
    return fitting[ranked[0][1]] if CLEARLY * ranked[0][0] < ranked[1][0] else None


def dtype_class(x: np.ndarray) -> str:
    """Floating "f", integer "i", boolean "b"."""
    return "i" if x.dtype.kind == "u" else x.dtype.kind


def greatest_difference(x: np.ndarray, y: np.ndarray) -> float:
    """The greatest difference, where both are finite."""
    both = np.isfinite(x) & np.isfinite(y)
    return float(np.abs(x[both].astype(float) - y[both].astype(float)).max(initial=0.0))


def split(pairs: Pairs) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(MLX's names, PyTorch's names)."""
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


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
