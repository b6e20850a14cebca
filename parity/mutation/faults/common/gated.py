"""Planted faults: the gated perceptron, and experts side by side."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "common.gated"

FAULTS = (
    Fault("gate without its 1", "multiplied by f(a), not by 1 + f(a)", MODULE, "mesotes: typical",
          torch=("(1 + self.activate(a)) * b", "self.activate(a) * b"),
          mlx=("(1 + self.activate(a)) * b", "self.activate(a) * b")),
    Fault("gate and value exchanged", "took the first rows for the values", MODULE, "mesotes: typical",
          torch=("a, b = self.up", "b, a = self.up"), mlx=("a, b = mx.split", "b, a = mx.split")),
    Fault("all gates before all values", "split experts side by side as one layer is split", MODULE, "moe: typical",
          torch=("(weight.shape[-1], 2, -1)).unbind(-2)", "(2, weight.shape[-1], -1)).unbind(-3)"),
          mlx=("(weight.shape[-1], 2, -1))\n    a, b = both[..., 0, :], both[..., 1, :]",
               "(2, weight.shape[-1], -1))\n    a, b = both[..., 0, :, :], both[..., 1, :, :]")),
)  # fmt: skip
