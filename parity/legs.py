"""Legs: the ways in which a pair is computed and held against the oracle.

A leg is a wing, a precision, compiled or not, on a device. Float64 exists on the CPU alone (CUDA aside), so there the
mathematics is compared, and every other leg has rounding to explain what it differs by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import mlx.core as mx
import torch

from parity.rounding import UNIT
from training.contract import UsageError

WINGS = ("torch", "mlx")


@dataclass(frozen=True)
class Leg:
    """wing: "torch" or "mlx". dtype: a precision of `parity.rounding.UNIT`. device: "cpu", "cuda", "mps" or "metal"."""

    wing: str
    dtype: str
    compiled: bool = False
    device: str = "cpu"

    def __str__(self) -> str:
        where = "" if self.device == "cpu" else f" on {self.device}"
        return f"{self.wing} {self.dtype}{' compiled' if self.compiled else ''}{where}"


ORACLE = Leg("torch", "float64")


def devices() -> dict[str, tuple[str, ...]]:
    """The devices that each wing has here, besides the CPU."""
    found = {"torch": [], "mlx": []}
    if torch.cuda.is_available():
        found["torch"].append("cuda")
    if torch.backends.mps.is_available():
        found["torch"].append("mps")
    if mx.metal.is_available():
        found["mlx"].append("metal")
    elif mx.cuda.is_available():
        found["mlx"].append("cuda")
    return {wing: tuple(names) for wing, names in found.items()}


def legs(dtypes: tuple[str, ...], compiled: tuple[str, ...] = (), everywhere: bool = False) -> Iterator[Leg]:
    """The legs besides the oracle, in order. Raises UsageError for an unknown precision or wing.

    compiled: the wings that run compiled as well. everywhere: on the devices of this machine too. Both in every
    precision but float64.
    """
    for words, known, kind in ((dtypes, tuple(UNIT), "precision"), (compiled, WINGS, "wing to compile")):
        for word in words:
            if word not in known:
                raise UsageError(f"there is no {kind} {word!r}: choose from {', '.join(known)}.")
    for dtype in dtypes:
        yield from (leg for leg in (Leg(wing, dtype) for wing in WINGS) if leg != ORACLE)
        if dtype != "float64":
            yield from (Leg(wing, dtype, compiled=True) for wing in compiled)
            here = devices() if everywhere else {}
            yield from (Leg(wing, dtype, device=device) for wing, names in here.items() for device in names)


def plain(chosen: tuple[Leg, ...]) -> list[Leg]:
    """The oracle's and those of the legs that run eagerly on the CPU in float64 or float32."""
    return [leg for leg in (ORACLE, *chosen) if leg == Leg(leg.wing, leg.dtype) and leg.dtype in ("float64", "float32")]
