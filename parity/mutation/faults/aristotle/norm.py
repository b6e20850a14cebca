"""Faults in A9, the golden mean."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "aristotle.norm"

FAULTS = (
    Fault("mean without the size", "took the mean of the entries, not of their sizes", MODULE, "golden: typical",
          torch=("x.abs().mean(-1, keepdim=True)", "x.mean(-1, keepdim=True).abs()"),
          mlx=("mx.abs(x).mean(-1, keepdims=True)", "mx.abs(x.mean(-1, keepdims=True))")),
    Fault("root missing", "divided by the product of the two means", MODULE, "golden: typical",
          torch=(".clamp(min=self.tiny).sqrt()).clamp(min=self.tiny).sqrt()",
                 ".clamp(min=self.tiny).sqrt()).clamp(min=self.tiny)"),
          mlx=("return mx.sqrt(mx.maximum(mean * mx.sqrt(mx.maximum(square, self.tiny)), self.tiny))",
               "return mx.maximum(mean * mx.sqrt(mx.maximum(square, self.tiny)), self.tiny)")),
    Fault("no floor under the root", "left the root with an infinite slope at zero", MODULE, "golden: zero",
          outside_training="a vector of zeros",
          torch=("square.clamp(min=self.tiny).sqrt()", "square.sqrt()"),
          mlx=("mx.sqrt(mx.maximum(square, self.tiny))", "mx.sqrt(square)")),
    Fault("floor added", "added tiny instead of clamping to it", MODULE, "golden: below the floor",
          torch=("sqrt()).clamp(min=self.tiny).sqrt()", "sqrt() + self.tiny).sqrt()"),
          mlx=("mx.sqrt(mx.maximum(square, self.tiny)), self.tiny))",
               "mx.sqrt(mx.maximum(square, self.tiny)) + self.tiny, 0))")),
    Fault("clamped too early", "clamped the argument where the value is not yet 1", MODULE, "mesotes: p = 3, activate",
          outside_training="powers other than 1",
          torch=("-bound, bound)", "-bound / 100, bound / 100)"), mlx=("-bound, bound)", "-bound / 100, bound / 100)")),
)  # fmt: skip
