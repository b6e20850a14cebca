"""Faults in E17, vertices, edges, faces."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE = "euclid.topology"

FAULTS = (
    Fault("faces counted three times", "took the product of all pairs for that of ordered triples", MODULE,
          "topology: counts", **both("(edge @ edge * edge).sum()", "3 * (edge @ edge * edge).sum()")),
    Fault("open faces", "counted paths of two edges as faces", MODULE, "topology: counts",
          **both("(edge @ edge * edge).sum()", "(edge @ edge).sum()")),
    Fault("repeated ids counted", "let an id count as often as it occurs", MODULE, "topology: counts, ids repeated",
          **both("(first[:, None] & first)", "(first[:, None] | first)") | {
              "mlx": ("mx.triu(first[:, None] & first, 1)", "mx.triu(first[:, None] | first, 1)")}),
    Fault("lengths for squares", "took distances, where squared ones are compared with the mean", MODULE,
          "topology: counts",
          torch=(".square().sum(-1)", ".square().sum(-1).add(1e-9).sqrt()"),
          mlx=("mx.square(vectors[:, None] - vectors).sum(-1)",
               "mx.sqrt(mx.square(vectors[:, None] - vectors).sum(-1) + 1e-9)")),
    Fault("edges of a line", "let the edge fall in a straight line, without the cubic", MODULE, "topology: counts",
          torch=("t.square() * (3 - 2 * t)", "t"), mlx=("mx.square(t) * (3 - 2 * t)", "t")),
    Fault("scale without a gradient", "detached the mean distance, so that larger figures lose edges", MODULE,
          "topology: counts",
          torch=("mean.clamp(min=self.tiny)", "mean.detach().clamp(min=self.tiny)"),
          mlx=("mx.maximum(mean, self.tiny)", "mx.maximum(mx.stop_gradient(mean), self.tiny)")),
    Fault("one end of a pair pulled", "let the gradient reach one end of an edge only", MODULE, "topology: counts",
          torch=("(vectors[:, None] - vectors)", "(vectors[:, None].detach() - vectors)"),
          mlx=("(vectors[:, None] - vectors)", "(mx.stop_gradient(vectors[:, None]) - vectors)")),
    Fault("Euler for solids", "asked for V - E + F = 2", MODULE, "topology: characteristic",
          **both("faces - 1)", "faces - 2)")),
    Fault("edges added", "lost the sign of the edges", MODULE, "topology: characteristic",
          **both("vertices - edges + faces", "vertices + edges + faces")),
)  # fmt: skip
