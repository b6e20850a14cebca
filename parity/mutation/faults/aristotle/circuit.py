"""Faults in A23, Barbara."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE = "aristotle.circuit"

FAULTS = (
    Fault("second head reads the letters", "gave the second layer what the first was given", MODULE, "circuit: blunt",
          **both("between + self.second(between, *rotation)", "between + self.second(x, *rotation)")),
    Fault("letters left out", "forgot to add the stream to the first layer's output", MODULE, "circuit: blunt",
          **both("between = x + self.first(x, *rotation)", "between = self.first(x, *rotation)")),
    Fault("one layer twice", "took the first layer for the second", MODULE, "circuit: states",
          **both("self.second(between, *rotation)", "self.first(between, *rotation)")),
    Fault("conclusion from one premise", "read the answer before the second layer", MODULE, "circuit: blunt",
          **both("*rotation)[-1]", "*rotation)[1]")),
    Fault("answers tied to letters", "scored the letters by the table that embeds them", MODULE, "circuit: blunt",
          torch=("[-1], self.answers)", "[-1], self.letters)"), mlx=("@ self.answers.T", "@ self.letters.T")),
    Fault("pattern without positions", "forgot to turn queries and keys", MODULE, "circuit: patterns",
          **both("layer.parts(x, *rotation)", "layer.parts(x)")),
    Fault("pattern sees the future", "left out the mask", MODULE, "circuit: patterns",
          torch=("scores.masked_fill(~seen(q, k), -torch.inf).softmax", "scores.softmax"),
          mlx=("mx.where(seen(q, k), scores, -mx.inf)", "scores")),
    Fault("pattern not scaled", "forgot to divide the scores by sqrt(w)", MODULE, "circuit: patterns",
          **both(" * q.shape[-1] ** -0.5", "")),
    Fault("pattern of the wrong stream", "showed what the second layer makes of the letters", MODULE,
          "circuit: patterns", **both("self.attends(self.second, between, rotation)",
                                      "self.attends(self.second, x, rotation)")),
)  # fmt: skip
