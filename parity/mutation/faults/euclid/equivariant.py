"""Faults in E20, motions of space."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE, TYPICAL = "euclid.equivariant", "vector perceptron: typical"

FAULTS = (
    Fault("arrows side by side", "took the coordinates of an arrow for neighbours", MODULE, "vector linear: typical",
          torch=("self.mix(x.unflatten(-1, (self.n, -1))).flatten(-2)",
                 "self.mix(x.unflatten(-1, (-1, self.n)).mT).mT.flatten(-2)"),
          mlx=("self.mix(mx.unflatten(x, -1, (self.n, -1))).flatten(-2)",
               "self.mix(mx.unflatten(x, -1, (-1, self.n)).swapaxes(-1, -2)).swapaxes(-1, -2).flatten(-2)"),
          outside_training="the perceptron mixes arrows itself"),
    Fault("arrows exchanged", "gated a by b", MODULE, TYPICAL, **both("a, b = ", "b, a = ")),
    Fault("length for the angle", "gated by the square on one arrow", MODULE, TYPICAL,
          **both("(a * b).sum", "(a * a).sum")),
    Fault("a gate a coordinate", "multiplied coordinates and did not add them up", MODULE, TYPICAL,
          torch=("(a * b).sum(-2, keepdim=True)", "a * b"), mlx=("(a * b).sum(-2, keepdims=True)", "a * b")),
    Fault("mean for the sum", "divided the inner product by the dimensions", MODULE, TYPICAL,
          **both("(a * b).sum", "(a * b).mean")),
    Fault("summed over arrows", "added up over arrows, not over coordinates", MODULE, TYPICAL,
          torch=(".sum(-2, keepdim", ".sum(-1, keepdim"), mlx=(".sum(-2, keepdims", ".sum(-1, keepdims")),
    Fault("right angles closed", "forgot the 1 with which a gate rests", MODULE, TYPICAL,
          **both("gate = 1 + chord", "gate = chord")),
    Fault("gate without gradient", "took the gate for a constant", MODULE, TYPICAL,
          torch=("1 + chord((a * b)", "1 + chord((a * b).detach()"),
          mlx=("1 + chord((a * b)", "1 + chord(mx.stop_gradient(a * b)")),
)  # fmt: skip
