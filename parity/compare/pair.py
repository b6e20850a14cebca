"""Two implementations of one function, and how their parameters correspond: what the harness compares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from parity.float64.mlx_mode import exact
from parity.mapping.layouts import leaves
from parity.mapping.names import Names
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Arrays, Point, Values
from parity.sides.variants import Variant

if TYPE_CHECKING:  # a golden file takes its part where PyTorch is not installed
    from parity.sides.torch_side import TorchSide


@dataclass(frozen=True)
class Pair:
    """name: of the case. torch, mlx: the sides. names: how MLX's parameters are made of PyTorch's; None: the same.

    reference: (parameters, *inputs) -> outputs in float64 NumPy, or None. batched: whether axis 0 of every input and
    output runs over independent examples.
    """

    name: str
    torch: TorchSide
    mlx: MlxSide
    names: Names | None = None
    reference: Callable[..., Any] | None = None
    batched: bool = False

    def __post_init__(self):
        if self.names is not None and self.mlx is not None:
            self.mlx.build = self.names.built

    def shared_buffers(self) -> Arrays:
        """PyTorch's floating buffers of which a parameter of MLX's is made; any other is a constant of PyTorch's."""
        used = {leaf for target in self.names.targets.values() for leaf in leaves(target)} if self.names else set()
        return {name: x for name, x in self.torch.buffers().items() if name in used - self.torch.ignored}

    def evaluate(self, variant: Variant, probe: str, point: Point) -> Values:
        """A probe of one variant (see `parity.sides.test_point`), in PyTorch's names; float64 in the exact mode."""
        if variant.backend == "torch":
            return self.torch.evaluate(probe, point, variant)
        with exact() if variant.dtype == "float64" else nullcontext():
            return self._from_mlx(self.mlx.evaluate(probe, self.for_mlx(point), variant), probe)

    def for_mlx(self, point: Point) -> Point:
        """The same point in MLX's names and layouts."""
        if self.names is None:
            return point
        constants = self.torch.buffers()
        parameters = self.names.for_mlx(constants | point.parameters)
        along = {name: v for name, v in point.directions.items() if name in point.parameters}
        directions = {name: v for name, v in point.directions.items() if name not in along}
        if point.directions:
            still = {name: np.zeros_like(x) for name, x in constants.items()}
            directions |= self.names.for_mlx(still | along)
        return replace(point, parameters=parameters, directions=directions)

    def _from_mlx(self, values: Values, probe: str) -> Values:
        """The same arrays in PyTorch's names and layouts: derivatives by parameter are carried back."""
        if self.names is None or probe not in ("gradient", "second"):
            return values
        gradients = {name: g for (of, name), g in values.items() if of == probe and not name.startswith("input ")}
        rest = {key: x for key, x in values.items() if key[0] != probe or key[1] not in gradients}
        return rest | {(probe, name): g for name, g in self.names.to_torch(gradients).items()}
