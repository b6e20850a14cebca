"""Variants: the ways in which a pair is computed and compared with the oracle.

A variant is a backend, a precision, compiled or not, on a device. Float64 exists on the CPU alone (CUDA aside), so
there the mathematics is compared; in every other variant rounding may explain a difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import mlx.core as mx

from lyceum.contract import UsageError
from parity.bounds.units import UNIT

BACKENDS = ("torch", "mlx")


@dataclass(frozen=True)
class Variant:
    """backend: "torch" or "mlx". dtype: a precision of `parity.bounds.rounding.UNIT`.

    device: "cpu", "cuda", "mps" or "metal".
    """

    backend: str
    dtype: str
    compiled: bool = False
    device: str = "cpu"

    def __str__(self) -> str:
        where = "" if self.device == "cpu" else f" on {self.device}"
        return f"{self.backend} {self.dtype}{' compiled' if self.compiled else ''}{where}"


ORACLE = Variant("torch", "float64")


def devices() -> dict[str, tuple[str, ...]]:
    """The devices that each backend has here, besides the CPU."""
    import torch

    available = {"torch": [], "mlx": []}
    if torch.cuda.is_available():
        available["torch"].append("cuda")
    if torch.backends.mps.is_available():
        available["torch"].append("mps")
    if mx.metal.is_available():
        available["mlx"].append("metal")
    elif mx.cuda.is_available():
        available["mlx"].append("cuda")
    return {backend: tuple(names) for backend, names in available.items()}


def variants(dtypes: tuple[str, ...], compiled: tuple[str, ...] = (), everywhere: bool = False) -> Iterator[Variant]:
    """The variants besides the oracle, in order. Raises UsageError for an unknown precision or backend.

    compiled: the backends that run compiled as well. everywhere: on the devices of this machine too. Both in every
    precision but float64.
    """
    for words, known, what in ((dtypes, tuple(UNIT), "precision"), (compiled, BACKENDS, "backend to compile")):
        for word in words:
            if word not in known:
                raise UsageError(f"there is no {what} {word!r}: choose from {', '.join(known)}.")
    for dtype in dtypes:
        yield from (variant for variant in (Variant(backend, dtype) for backend in BACKENDS) if variant != ORACLE)
        if dtype != "float64":
            yield from (Variant(backend, dtype, compiled=True) for backend in compiled)
            here = devices() if everywhere else {}
            yield from (Variant(backend, dtype, device=device) for backend, names in here.items() for device in names)


def plain(chosen: tuple[Variant, ...]) -> list[Variant]:
    """The oracle, and those of the variants that run eagerly on the CPU in float64 or float32."""
    return [
        variant
        for variant in (ORACLE, *chosen)
        if variant == Variant(variant.backend, variant.dtype) and variant.dtype in ("float64", "float32")
    ]
