"""Which layouts make an array of one shape of an array of another?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations

from parity.mapping.layouts import Target, part, permuted, transposed

Shape = tuple[int, ...]
MOST_PARTS = 4  # gate, input, forget and output of an LSTM


@dataclass(frozen=True)
class Fit:
    """make: PyTorch's name -> what MLX's parameter is made of. words: of the layout. part: (index, of), if one is."""

    make: Callable[[Target], Target]
    words: str
    part: tuple[int, int] | None = None


def fits(mlx: Shape, torch: Shape) -> Iterator[Fit]:
    """The layouts that fit, the likeliest first: an order of axes, or else one of several equal parts."""
    orders = [order for order in _orders(len(torch)) if tuple(torch[i] for i in order) == mlx]
    if len(torch) == len(mlx) and not orders:
        orders = [order for order in permutations(range(len(torch))) if tuple(torch[i] for i in order) == mlx]
    yield from map(_order, orders)
    if not orders:
        yield from _parts(mlx, torch)


def _orders(n: int) -> list[Shape]:
    """The usual orders of n axes, the likeliest first: MLX's convolutions have their channels last."""
    same = tuple(range(n))
    if n < 2:
        return [same]
    if n == 2:
        return [same, (1, 0)]
    convolution, transposed_one = (0, *range(2, n), 1), (*range(1, n), 0)
    return [same, convolution, transposed_one] if n == 3 else [convolution, same, transposed_one]


def _order(order: Shape) -> Fit:
    same = tuple(range(len(order)))
    if order == same:
        return Fit(lambda name: name, "as it is")
    if order == (*same[:-2], same[-1], same[-2]):
        return Fit(transposed, "transposed")
    return Fit(lambda name: permuted(name, order), f"axes {order}")


def _parts(mlx: Shape, torch: Shape) -> Iterator[Fit]:
    turns = (False, True) if len(torch) == 2 else (False,)
    ways = [(turn, axis, of) for turn in turns for axis, of in _divided(mlx, torch[::-1] if turn else torch)]
    # Outputs are in parts, seldom inputs: axis 0 of a matrix (out, in), axis 1 of one that lies transposed.
    for turn, axis, of in sorted(ways, key=lambda each: len(torch) == 2 and each[1] != 0):
        for index in range(of):
            yield _part(index, of, 1 - axis if turn else axis, turn)


def _divided(mlx: Shape, torch: Shape) -> Iterator[tuple[int, int]]:
    """(axis, how many parts) by which the one shape is a part of the other."""
    if len(torch) != len(mlx):
        return
    for axis, (long, short) in enumerate(zip(torch, mlx, strict=True)):
        of = long // short if short else 0
        rest = torch[:axis] + torch[axis + 1 :] == mlx[:axis] + mlx[axis + 1 :]
        if rest and 2 <= of <= MOST_PARTS and long == of * short:
            yield axis, of


def _part(index: int, of: int, axis: int, turn: bool) -> Fit:
    def make(name: Target) -> Target:
        piece = part(name, index, of, axis)
        return transposed(piece) if turn else piece

    return Fit(make, f"part {index} of {of}, {'transposed' if turn else 'as it lies'}", (index, of))
