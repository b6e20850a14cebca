"""Axes: where the entries of PyTorch's array lie in MLX's array of the same numbers.

MLX's convolutions take (batch, height, width, channels), PyTorch's (batch, channels, height, width); a linear layer may
be given (batch, positions, features) here and (batch x positions, features) there. Such arrays are the same function's
after transposing and reshaping, so they are compared in PyTorch's order of axes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Axes:
    """order: of PyTorch's axes, as in `numpy.transpose`. torch, mlx: the shapes. Both methods take any framework's."""

    order: Shape
    torch: Shape
    mlx: Shape

    @property
    def same(self) -> bool:
        """Whether both arrays are laid out alike."""
        return self.torch == self.mlx and self.order == tuple(range(len(self.order)))

    def to_mlx(self, x: Any) -> Any:
        """PyTorch's array as MLX's."""
        return x if self.same else x.transpose(*self.order).reshape(self.mlx)

    def to_torch(self, x: Any) -> Any:
        """MLX's array as PyTorch's."""
        if self.same:
            return x
        backwards = sorted(range(len(self.order)), key=self.order.__getitem__)
        return x.reshape(tuple(self.torch[i] for i in self.order)).transpose(*backwards)


def fitting_axes(torch: Shape, mlx: Shape) -> Iterator[Axes]:
    """Every way to make an array of the one shape of one of the other, the likeliest first.

    The same order, leading axes joined or parted; channels last, channels first; heads and positions exchanged. Height
    and width are not exchanged: that is a mistake, and no layout.
    """
    n = len(torch)
    joined = n != len(mlx) and torch[-1:] == mlx[-1:] and math.prod(torch) == math.prod(mlx)
    if torch == mlx or joined:
        yield Axes(tuple(range(n)), torch, mlx)
    if len(mlx) == n > 2:
        orders = ((0, *range(2, n), 1), (0, n - 1, *range(1, n - 1)), (0, 2, 1, *range(3, n)))
        yield from (Axes(order, torch, mlx) for order in dict.fromkeys(orders) if tuple(torch[i] for i in order) == mlx)
