"""Which layout moves entries so? The plainest one that does, for a selection that is known by serial numbers alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from parity.mapping.layouts import Target, arranged, fused, part, permuted, rearranged, transposed

Arrays = dict[str, np.ndarray]
AXES = 5  # of an array with more, no other order of the axes is tried


def named(index: np.ndarray, serial: Arrays) -> Target:
    """A name or a layout by which arrays of serial numbers become `index`; a `rearranged` one if no other does."""
    ends = np.cumsum([x.size for x in serial.values()])
    names = list(serial)
    owners = [names[i] for i in dict.fromkeys(np.searchsorted(ends, index.ravel(), side="right").tolist())]
    for target in candidates(owners, index.shape, serial):
        if np.array_equal(arranged(target, serial), index):
            return target
    flat = np.concatenate([serial[name].ravel() for name in owners]) if owners else np.arange(0)
    order = np.argsort(flat, kind="stable")
    positions = order[np.searchsorted(flat, index, sorter=order)] if flat.size else index

    def moved(*arrays: np.ndarray) -> np.ndarray:
        return np.concatenate([np.ravel(x) for x in arrays])[positions]

    return rearranged(*owners, function=moved, words="as the conversion moves it")


def candidates(owners: list[str], shape: tuple[int, ...], serial: Arrays) -> Iterator[Target]:
    """Layouts of these arrays that have this shape, the plainest first."""
    if len(owners) > 1:
        yield from several(owners, shape, serial)
        return
    for name in owners:
        for turned, x in orders(name, serial[name]):
            if x.shape == shape:
                yield turned
            elif x.ndim == len(shape):
                yield from parts(turned, x.shape, shape)


def orders(name: str, x: np.ndarray) -> Iterator[tuple[Target, np.ndarray]]:
    """An array with its axes in every order, itself first."""
    yield name, x
    if 1 < x.ndim <= AXES:
        yield transposed(name), np.swapaxes(x, -1, -2)
        for axes in permutations(range(x.ndim)):
            yield permuted(name, axes), np.transpose(x, axes)


def parts(target: Target, full: tuple[int, ...], shape: tuple[int, ...]) -> Iterator[Target]:
    """The equal parts of this shape that a target of the shape `full` has along one axis."""
    axes = [axis for axis, (a, b) in enumerate(zip(full, shape, strict=True)) if a != b]
    if len(axes) == 1 and shape[axes[0]] and full[axes[0]] % shape[axes[0]] == 0:
        count = full[axes[0]] // shape[axes[0]]
        yield from (part(target, i, of=count, axis=axes[0]) for i in range(count))


def several(owners: list[str], shape: tuple[int, ...], serial: Arrays) -> Iterator[Target]:
    """Arrays one after the other along an axis, stacked along a new one, or the first of these transposed."""
    shapes = [serial[name].shape for name in owners]
    if len(set(shapes)) == 1 and shape == (len(owners), *shapes[0]):
        yield rearranged(*owners, function=lambda *x: np.stack(x), words="stacked")
    for axis in range(len(shape)):
        for turn in (lambda name: name, transposed):
            pieces = [arranged(turn(name), serial).shape for name in owners if len(serial[name].shape) == len(shape)]
            others = {(*piece[:axis], *piece[axis + 1 :]) for piece in pieces}
            if len(pieces) == len(owners) and others == {(*shape[:axis], *shape[axis + 1 :])}:
                yield fused(*map(turn, owners), axis=axis)
