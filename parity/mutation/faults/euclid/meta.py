"""Faults in E13, distance: the rule, and what the trainers show it."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

META, RATES, PLAN = "euclid.meta", "rates", "optimizer: euclid with meta"

FAULTS = (
    Fault("distance of today", "forgot how far the way has been", META, "distance: on the way back",
          torch=("torch.maximum(distance, dd.sqrt())", "dd.sqrt()"),
          mlx=("mx.maximum(distance, dd.sqrt())", "dd.sqrt()")),
    Fault("square for a distance", "compared |w - w_0|^2 with a length", META, "distance",
          torch=("torch.maximum(distance, dd.sqrt())", "torch.maximum(distance, dd)"),
          mlx=("mx.maximum(distance, dd.sqrt())", "mx.maximum(distance, dd)")),
    Fault("gradients before this one", "left this step's gradient out of G", META, "distance: the second step",
          torch=("total * count, 1)", "(total - share * share * gg) * count, 1)"),
          mlx=("total * count, 1)", "(total - share * share * gg) * count, 1)")),
    Fault("the last gradient alone", "did not add up", META, "distance",
          **both("total = total + share * share * gg", "total = share * share * gg")),
    Fault("steps of one weight", "counted the steps of the warm-up in full", META, "distance",
          **both("share * share * gg", "gg")),
    Fault("memory of the complement", "let V follow the last gradient", META, "distance",
          **both("(1 - self.memory) * (gg - mean)", "self.memory * (gg - mean)")),
    Fault("rate of all entries together", "divided by no number of entries", META, "distance",
          torch=("total * count, 1)", "total, 1)"), mlx=("total * count, 1)", "total, 1)")),
    Fault("no root", "took the ratio of squares for that of lengths", META, "distance",
          **both("distance * ratio.sqrt()", "distance * ratio")),
    Fault("first distance of a unit", "began at a share of 1, whatever the weights", META, "distance: where it begins",
          torch=("torch.where(length > 0, length, 1)", "torch.where(length > 0, 0 * length + 1, 1)"),
          mlx=("mx.where(length > 0, length, 1)", "mx.where(length > 0, 0 * length + 1, 1)")),
    Fault("centre that follows", "measured from the last point", RATES, PLAN,
          **both("(1 - self.rule.habit) * d", "d")),
    Fault("a factor on the peak", "multiplied two learning rates", RATES, PLAN,
          **both("(share if self.rule.absolute else lr)", "lr")),
    Fault("state that begins anew", "did not hand the state on", RATES, PLAN,
          torch=("self.states[group] = dict(zip(state, new, strict=True))", "self.states[group] = state"),
          mlx=("self.states[group] = dict(zip(state, new, strict=True))", "self.states[group] = state")),
)  # fmt: skip
