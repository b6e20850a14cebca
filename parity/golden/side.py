"""PyTorch's side as a golden file has it: parameters, buffers, and the answers at one point."""

from __future__ import annotations

from os import PathLike

import numpy as np

from lyceum.contract import UsageError
from parity.golden.file import decoded, read
from parity.mapping.ignored import Ignored
from parity.sides.test_point import Arrays, Point, Values
from parity.sides.variants import Variant


class GoldenSide:
    """path: of the file. left_out: names that are not compared. Raises UsageError if the file cannot be used."""

    backend = "torch"

    def __init__(self, path: str | PathLike, left_out: Ignored):
        self.header, self._arrays = read(path)
        for what in ("parameter", "cotangent"):
            for name in left_out.among(f"PyTorch's {what}", self._named(what)):
                raise UsageError(f"{path} has derivatives by or through PyTorch's {name}: ignore it in parity.record.")
        self.ignored = left_out.among("PyTorch's buffer", self._named("buffer"))

    def parameters(self) -> Arrays:
        """PyTorch's parameters at the point, float64, by name."""
        return self._named("parameter")

    def buffers(self) -> Arrays:
        """Its floating buffers, float64, by name."""
        return self._named("buffer")

    def stored(self) -> tuple[dict[str, str], set[str]]:
        """(The precisions in which it had its parameters and buffers, by name; the names that a checkpoint has.)"""
        return self.header.precisions, set(self.header.saved)

    def narrow(self) -> str:
        """Which operations PyTorch carried out in float32 for want of a kernel, in words; "" for none."""
        return self.header.narrow

    def constants(self) -> Arrays:
        """The floating buffers that were made in float32 and are no integers, by name."""
        return {name: x for name, x in self.buffers().items() if name in self.header.constants}

    def point(self) -> Point:
        """The point."""
        inputs = tuple(decoded(code, self._named("input")) for code in self.header.inputs)
        tensors = (self._named(what) for what in ("cotangent", "direction"))
        return Point(self.parameters(), inputs, *tensors, self.header.batched)

    def evaluate(self, probe: str, point: Point, variant: Variant) -> Values:
        """The recorded values, whatever the point: there is only one."""
        return {key: x for key, x in self.truth("float32").items() if key[0] == probe}

    def truth(self, dtype: str) -> Values:
        """The recorded values and derivatives at the point in numbers of this precision, float64 ones float64."""
        split = ((key.split("/", 3), x) for key, x in self._arrays.items())
        return {tuple(words[2:]): x for words, x in split if words[:2] == ["truth", dtype]}

    def deviations(self, dtype: str) -> dict[tuple[str, str], float]:
        """How far random rounding carries them, see `parity.bounds.rounding`."""
        return {(probe, name): x for probe, name, x in self.header.deviations[dtype]}

    def _named(self, what: str) -> Arrays:
        arrays = {key.partition("/")[2]: x for key, x in self._arrays.items() if key.partition("/")[0] == what}
        return {name: x.astype(np.float64) if x.dtype.kind == "f" else x for name, x in arrays.items()}
