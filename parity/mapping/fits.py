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
    """The layouts that fit, the likeliest first: as it is, another order of axes, one of several equal parts."""
    orders = list(_orders(mlx, torch))
    yield from orders
    if not orders:
        yield from _parts(mlx, torch)


def _orders(mlx: Shape, torch: Shape) -> Iterator[Fit]:
    if mlx == torch:
        yield Fit(lambda name: name, "as it is")
    n = len(torch)
    if n != len(mlx) or n < 2 or n > 5:
        return
    if n == 2 and torch[::-1] == mlx and mlx != torch:
        yield Fit(transposed, "transposed")
    last = (0, *range(2, n), 1)
    rest = (order for order in permutations(range(n)) if order not in (last, tuple(range(n))))
    for order in (last, *rest) if n > 2 and mlx != torch else ():
        if tuple(torch[i] for i in order) == mlx:
            yield Fit(lambda name, order=order: permuted(name, order), f"axes {order}")


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

    return Fit(make, f"part {index} of {of}{', transposed' * turn}", (index, of))
