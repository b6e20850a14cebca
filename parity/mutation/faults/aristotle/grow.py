"""Faults in A11, potentiality and act."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

GROWN = "aristotle with grow"

FAULTS = (
    Fault("a block that waits computed", "ran every block from the start", "model", f"model: {GROWN}",
          **both("if i not in self.skipped]", "if True]")),
    Fault("a block that waits decayed", "updated it with a gradient of zero", "trainer", f"step: {GROWN}",
          torch=("born_at(self.born, name) >= 0:", "True:"), mlx=("{} if i in self.model.skipped else g", "g")),
)  # fmt: skip
