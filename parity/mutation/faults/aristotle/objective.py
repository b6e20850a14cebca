"""Faults in A22, the final cause."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "aristotle.objective"

FAULTS = (
    Fault("questions exchanged", "asked the changed state for the present token", MODULE, "objective: ask",
          torch=("[here + self.ahead(here), here]", "[here, here + self.ahead(here)]"),
          mlx=("[here + self.ahead(here), here]", "[here, here + self.ahead(here)]")),
    Fault("state not added", "forgot to add the state to its change", MODULE, "objective: ask",
          torch=("here + self.ahead(here), here", "self.ahead(here), here"),
          mlx=("here + self.ahead(here), here", "self.ahead(here), here")),
    Fault("stride not made up", "forgot that only one position of several is asked", MODULE, "objective: losses",
          torch=("weight * self.every * extra", "weight * extra"),
          mlx=("weight * self.every * extra", "weight * extra")),
    Fault("likelihood of a contradiction", "rewarded what it should forbid", MODULE, "objective: losses",
          torch=("torch.log(-torch.expm1(present))", "present"), mlx=("mx.log(-mx.expm1(present))", "present")),
    Fault("repetition forbidden", "forbade the present token where it is the target", MODULE, "objective: losses",
          torch=("* differ * torch", "* torch"), mlx=("* differ * mx", "* mx")),
    Fault("questions moved by one", "added each answer one position later", MODULE, "objective: losses",
          torch=("(0, self.every - 1)).flatten(1)", "(1, self.every - 1)).flatten(1)"),
          mlx=("(0, 0), (0, self.every - 1)]", "(0, 0), (1, self.every - 1)]")),
    Fault("objective left out", "trained on the log loss alone", "model", "step: aristotle with objective",
          torch=("losses = losses + objective.losses(", "objective.losses("),
          mlx=("losses = losses + objective.losses(", "objective.losses(")),
    Fault("objective not weighed", "gave every step the full weight", MODULE, "objective: losses",
          torch=("(weight * self.every * extra)", "(self.every * extra)"),
          mlx=("(weight * self.every * extra)", "(self.every * extra)")),
)  # fmt: skip
