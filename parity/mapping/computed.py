"""MLX parameters that are computed of PyTorch's, not only moved: sums, a norm that was folded into its weight.

    summed("bias_ih_l0", "bias_hh_l0")              an LSTM's two biases, of which MLX's has the sum
    weight_normed("weight_g", "weight_v")           g v / |v|, the weight of a layer that PyTorch keeps normed
    computed("a", "b", function=f, words="...")     anything else that MLX can differentiate

With m = C(t), MLX is differentiated by t: C is part of the computation, f(C(t)), and MLX's rules carry the
derivatives through it (the chain rule), those of second order included. They nest with layouts in either order:
`permuted(weight_normed("g", "v"), (0, 2, 1))` is the kernel of a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import mlx.core as mx
import numpy as np

from lyceum.rng import stream
from parity.float64.mlx_mode import exact
from parity.mapping.layouts import Layout, Target, leaves

Arrays = dict[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]


class Computed(Layout):
    """A layout that computes. arrange: arrays of MLX, of one floating dtype -> an array of MLX, differentiable."""


def computed(*sources: Target, function: Callable[..., mx.array], words: str) -> Computed:
    """function(arrays of MLX, one a source) -> the parameter; `words` name it in reports."""
    return Computed("computed", sources, (words,), function)


def summed(*sources: Target) -> Computed:
    """The sum of arrays of one shape."""
    return Computed("summed", sources, (), lambda first, *rest: sum(rest, first))


def weight_normed(g: Target, v: Target, axis: int | None = 0) -> Computed:
    """g v / |v|, the norm over every axis but `axis` (over all if None): `torch.nn.utils.weight_norm`, folded."""

    def folded(g: mx.array, v: mx.array) -> mx.array:
        over = None if axis is None else [i for i in range(v.ndim) if i != axis % v.ndim]
        return v * (g / mx.sqrt(mx.square(v).sum(axis=over, keepdims=True)))

    return Computed("weight_normed", (g, v), () if axis == 0 else (f"axis={axis}",), folded)


def shifted(target: Target, value: np.ndarray) -> Computed:
    """A parameter that has the `value`, whatever the target makes, and the target's derivatives."""

    def moved(x: mx.array) -> mx.array:
        return x + mx.stop_gradient(mx.array(value, x.dtype) - x)

    return Computed("unlike", (target,), (), moved)


def unshifted(target: Target) -> Target:
    """What `shifted` was given; any other target itself."""
    return target.sources[0] if isinstance(target, Computed) and target.function == "unlike" else target


def computes(target: Target) -> bool:
    """Whether a target computes anywhere."""
    return isinstance(target, Computed) or (isinstance(target, Layout) and any(map(computes, target.sources)))


def in_mlx(target: Target, arrays: Mapping[str, mx.array]) -> mx.array:
    """The array that a target describes, as a computation of MLX: what a layout moves is gathered."""
    if isinstance(target, str):
        return arrays[target]
    given = [in_mlx(source, arrays) for source in target.sources]
    if isinstance(target, Computed):
        return target.arrange(*given)
    ends = np.cumsum([0, *(x.size for x in given)])
    serial = [np.arange(start, start + x.size).reshape(x.shape) for start, x in zip(ends, given, strict=False)]
    index = np.asarray(target.arrange(*serial))
    return mx.concatenate([x.flatten() for x in given])[mx.array(index.flatten())].reshape(index.shape)


def values(target: Target, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The array that a target describes, float64. arrays: of NumPy."""
    with exact(), mx.stream(mx.cpu):
        given = {name: mx.array(arrays[name], mx.float64) for name in leaves(target)}
        return np.array(in_mlx(target, given).astype(mx.float64))


def influences(target: Target, shapes: Shapes) -> tuple[tuple[int, ...], Arrays]:
    """(its shape, which entries it depends on: 1 or 0 by name), from its derivatives at random numbers.

    shapes: of the target's leaves. Raises what the computation raises.
    """
    g = stream(0, "parity-labels")
    drawn = {name: g.uniform(0.5, 1.5, shape) for name, shape in shapes.items()}
    shape = values(target, drawn).shape
    with exact(), mx.stream(mx.cpu):
        given = {name: mx.array(x, mx.float64) for name, x in drawn.items()}
        weights = mx.array(g.normal(size=shape), mx.float64)
        slopes = mx.grad(lambda arrays: (in_mlx(target, arrays) * weights).sum())(given)
        return shape, {name: (np.array(slope) != 0).astype(np.float64) for name, slope in slopes.items()}
