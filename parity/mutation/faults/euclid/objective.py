"""Faults in E22, the angle."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE, HEAD = "euclid.objective", "euclid.tokenize"

FAULTS = (
    Fault("angle of squares", "forgot the root, and so took the squared cosine", HEAD, "objective: angles",
          torch=("torch.exp(-F.cross_entropy(2 * rows, row, reduction=\"none\") / 2)",
                 "torch.exp(-F.cross_entropy(2 * rows, row, reduction=\"none\"))"),
          mlx=("mx.exp(-nn.losses.cross_entropy(2 * rows, row) / 2)",
               "mx.exp(-nn.losses.cross_entropy(2 * rows, row))")),
    Fault("angle of roots", "forgot to double the logits, and so took sqrt(p), which is not proper", HEAD,
          "objective: angles", **both("2 * among", "among")),
    Fault("one angle twice", "measured the angle of the quotient for the remainder as well", HEAD, "objective: angles",
          **both("first, second], ", "first, first], ")),
    Fault("log loss added", "added the angles to the log loss instead of blending them", MODULE,
          "objective: angles added", **both("weight * (log_prob + ", "weight * (0 * log_prob + ")),
    Fault("log loss counted twice", "took the log loss away with the wrong sign", MODULE, "objective: angles added",
          **both("(log_prob + (1 - first)", "(-log_prob + (1 - first)")),
    Fault("cosine for the angle", "made the forecast point away from what came", MODULE, "objective: angles added",
          **both("(1 - first) + (1 - second)", "(1 - first) - (1 - second)")),
    Fault("angles not weighed", "gave every step the full weight", MODULE, "objective: angles added",
          **both("weight * (log_prob", "(log_prob")),
    Fault("angle to the present token", "measured the angle to the id at hand instead of to the next", MODULE,
          "step: euclid with objective", **both("return x, targets", "return x, ids")),
)  # fmt: skip
