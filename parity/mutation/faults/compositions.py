"""Faults of wiring that only some compositions show; no persona's default is one of them."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE = "trainer"

FAULTS = (
    Fault("router bias never updated", "forgot it after the step, which only layers with a router notice", MODULE,
          "step", **both("self.model.update_router_bias()", "pass")),
)  # fmt: skip
