"""Faults in A17, one genus, one component."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "aristotle.topology"

FAULTS = (
    Fault("paths too short", "doubled the paths once too seldom", MODULE, "topology: deaths",
          torch=("(n - 1).bit_length()", "(n - 1).bit_length() - 2"),
          mlx=("(n - 1).bit_length()", "(n - 1).bit_length() - 2")),
    Fault("sum for the longest edge", "added up a path instead of taking its longest edge", MODULE, "topology: deaths",
          torch=("torch.maximum(longest[:, :, None], longest)", "(longest[:, :, None] + longest)"),
          mlx=("mx.maximum(longest[:, :, None], longest)", "(longest[:, :, None] + longest)")),
    Fault("repeated species counted", "let a species count as often as it occurs", MODULE,
          "topology: deaths, species repeated",
          torch=("first[:, None] & first", "first[:, None] | first"),
          mlx=("first[:, None] & first", "first[:, None] | first")),
    Fault("edges counted from both ends", "left both triangles in", MODULE, "topology: deaths",
          torch=("distance, 0).triu()", "distance, 0)"),
          mlx=("mx.triu(mx.where((direct <= longest) & counts, distance, 0))",
               "mx.where((direct <= longest) & counts, distance, 0)")),
    Fault("squared lengths", "took squared lengths", MODULE, "topology: deaths",
          torch=("torch.where(counts, squares, 1).sqrt()", "torch.where(counts, squares, 1)"),
          mlx=("mx.sqrt(mx.where(counts, squares, 1))", "mx.where(counts, squares, 1)")),
    Fault("species for genus", "compared species instead of genera", MODULE, "topology: losses",
          torch=("group // self.species", "group"), mlx=("group // self.species", "group")),
    Fault("ratio inverted", "pushed the species of a genus apart", MODULE, "topology: losses",
          torch=("inner / outer", "outer / inner"), mlx=("inner / outer", "outer / inner")),
    Fault("one end of an edge pulled", "let the gradient reach one end of an edge only", MODULE, "topology: deaths",
          torch=("(vectors[:, None] - vectors)", "(vectors[:, None].detach() - vectors)"),
          mlx=("(vectors[:, None] - vectors)", "(mx.stop_gradient(vectors[:, None]) - vectors)")),
)  # fmt: skip
