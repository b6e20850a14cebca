"""How an array is made of the arrays of another framework: their names, and which entry goes where.

Frameworks store the same numbers in different orders: a matrix transposed, a convolution's channels last, three
projections in one, the rows of a head in another order for rotary embeddings. All of these are *selections*: entry j of
the new array is entry s(j) of the old ones, the same s for every value. A layout is such a selection, written as the
user thinks of it and applied with NumPy:

    transposed("h.attn.weight")                                (out, in) from (in, out)
    permuted("stem.weight", (0, 2, 3, 1))                      a convolution: (out, kh, kw, in) from (out, in, kh, kw)
    fused("q.weight", "k.weight", "v.weight")                  three projections in one
    part("qkv.weight", 0, of=3)                                the first of three projections in one
    tied("tok.weight")                                         used a second time, on purpose
    rearranged("q.weight", function=f, words="half-split")     anything else that NumPy can move

They nest: `transposed(part("c_attn.weight", 0, of=3, axis=1))` is the query projection of a GPT-2 block. Rows which one
model rotates in neighbouring pairs (2i, 2i + 1) and the other in halves (i, i + d/2) are moved by

    def half_split(w):                                         (heads * d, in) from (heads * d, in)
        return w.reshape(heads, d // 2, 2, -1).swapaxes(1, 2).reshape(w.shape)

A layout says where entries come from and nothing about values, so `parity.mapping` can run it once on serial numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from lyceum.contract import UsageError


@dataclass(frozen=True)
class Layout:
    """An array made of others; build it with the functions below. Prints as it was written.

    function: the name of the function that made it. sources: names of arrays, or layouts. options: the other arguments,
    as words. arrange: the sources' arrays -> the array. It must move entries, never compute with them.
    """

    function: str
    sources: tuple[Target, ...]
    options: tuple[str, ...]
    arrange: Callable[..., np.ndarray] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.function}({', '.join((*map(str, self.sources), *self.options))})"


Target = str | Layout


def transposed(source: Target) -> Layout:
    """(..., b, a) from (..., a, b): the last two axes exchanged."""
    return Layout("transposed", (source,), (), lambda x: np.swapaxes(x, -1, -2))


def permuted(source: Target, axes: tuple[int, ...]) -> Layout:
    """Axis i is the source's axis axes[i], as in `numpy.transpose`."""
    return Layout("permuted", (source,), (str(tuple(axes)),), lambda x: np.transpose(x, axes))


def fused(*sources: Target, axis: int = 0) -> Layout:
    """The sources one after the other along an axis."""
    return Layout("fused", sources, (f"axis={axis}",) if axis else (), lambda *x: np.concatenate(x, axis))


def part(source: Target, index: int, of: int, axis: int = 0) -> Layout:
    """One of `of` equal parts along an axis, the first being index 0. Raises UsageError if there is no such part."""
    if not 0 <= index < of:
        raise UsageError(f"the parts of {source} are numbered from 0 to {of - 1}, and there is no part {index}.")
    options = (str(index), f"of={of}", *((f"axis={axis}",) if axis else ()))
    return Layout("part", (source,), options, lambda x: np.split(x, of, axis)[index])


def tied(source: Target) -> Layout:
    """The source itself, and the statement that another parameter is meant to use its entries too: gradients add."""
    return Layout("tied", (source,), (), lambda x: x)


def rearranged(*sources: Target, function: Callable[..., np.ndarray], words: str) -> Layout:
    """function(arrays of the sources), any pure selection of their entries; `words` name it in reports."""
    return Layout("rearranged", sources, (words,), function)


def leaves(target: Target) -> tuple[str, ...]:
    """The names a target is made of, each once, in order."""
    if isinstance(target, str):
        return (target,)
    return tuple(dict.fromkeys(name for source in target.sources for name in leaves(source)))


def tied_leaves(target: Target) -> set[str]:
    """The names a target uses as tied."""
    if isinstance(target, str):
        return set()
    return set(leaves(target)) if target.function == "tied" else set().union(*map(tied_leaves, target.sources))


def arranged(target: Target, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The array a target describes. KeyError for an unknown name; what the arrangement itself raises."""
    if isinstance(target, str):
        return arrays[target]
    return np.asarray(target.arrange(*(arranged(source, arrays) for source in target.sources)))


def filled(target: Target, match: re.Match) -> Target:
    r"""The target with \1, \2, \g<name> in its names replaced by the groups of `match`. re.error for an unknown one."""
    if isinstance(target, str):
        return match.expand(target)
    return replace(target, sources=tuple(filled(source, match) for source in target.sources))
