"""Faults in E23, the algorithm."""

from __future__ import annotations

from functools import partial

from parity.mutation.planting import Fault, both

MODULE = "euclid.circuit"
Unseen = partial(Fault, outside_training="the cell is not in a model")

FAULTS = (
    Unseen("no entrance", "began with the numbers themselves, unordered", MODULE, "circuit: subtraction",
           **both("states = [self.enter(numbers)]", "states = [numbers]")),
    Unseen("units without a bend", "forgot the rectifier", MODULE, "circuit: subtraction",
           torch=("F.relu(self.inner(states[-1]))", "self.inner(states[-1])"),
           mlx=("mx.maximum(self.inner(states[-1]), 0)", "self.inner(states[-1])")),
    Unseen("bend at the end", "rectified the state instead of the units", MODULE, "circuit: subtraction",
           torch=("self.outer(F.relu(self.inner(states[-1])))", "F.relu(self.outer(self.inner(states[-1])))"),
           mlx=("self.outer(mx.maximum(self.inner(states[-1]), 0))",
                "mx.maximum(self.outer(self.inner(states[-1])), 0)")),
    Unseen("no recurrence", "applied every step to the first state", MODULE, "circuit: subtraction",
           **both("states[-1]", "states[0]")),
    Unseen("state added", "added each step to the state, as residual layers do", MODULE, "circuit: subtraction",
           **both("states.append(self.outer(", "states.append(states[-1] + self.outer(")),
)  # fmt: skip
