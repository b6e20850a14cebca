"""Where an operation does not round: sums of integers, and products with a power of two.

Masks are made of them, (1 - mask) * -1e9 with ones and zeros say. A model that rounded there would turn the 0 of what
is seen into 100, and its bounds would excuse a forgotten mask.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from parity.bounds.operations import ADDITIONS, SUMS

aten = torch.ops.aten
PRODUCTS, QUOTIENTS = {aten.mul, aten.mul_}, {aten.div, aten.div_}


def exact_at(func: Any, args: tuple, kwargs: dict, unit: float) -> Tensor | None:
    """Where an operation in a precision of unit roundoff `unit` gives the exact result; None: nowhere."""
    packet = func.overloadpacket
    if packet in PRODUCTS:
        return _power_of_two(args[0]) | _power_of_two(args[1])
    if packet in QUOTIENTS:
        return _power_of_two(args[1])
    if packet in ADDITIONS and kwargs.get("alpha", 1) == 1:
        return _integers(args[0], unit) & _integers(args[1], unit)
    if packet in SUMS and all(bool(_integers(x, unit).all()) for x in args if _is_floating(x)):
        total = func(*(abs(x) if _is_floating(x) else x for x in args), **kwargs)
        return total * unit <= 1 if _is_floating(total) else None
    return None


def _integers(x: Tensor | float, unit: float) -> Tensor:
    """Where there is an integer of which two add up exactly."""
    x = torch.as_tensor(x)
    return (x == x.round()) & (x.abs() * unit <= 0.5)


def _power_of_two(x: Tensor | float) -> Tensor:
    """Where there is a power of two, of either sign, or 0."""
    fraction = torch.frexp(torch.as_tensor(x, dtype=torch.float64)).mantissa.abs()
    return (fraction == 0.5) | (fraction == 0)


def _is_floating(x: object) -> bool:
    return isinstance(x, Tensor) and x.is_floating_point()
