"""Faults in E3, the circle."""

from __future__ import annotations

from parity.mutation.planting import Fault

CIRCLE = "euclid.attention"

FAULTS = (
    Fault("half forgotten", "subtracted |k|^2 where 2 beta asks for its half", CIRCLE, "circle",
          torch=("-0.5 * k.square()", "-k.square()"), mlx=("-0.5 * k.square()", "-k.square()")),
    Fault("keys alone moved", "left the queries unmoved", CIRCLE, "circle",
          torch=("q, k = q - origin, k - origin", "k = k - origin"),
          mlx=("q, k = q - origin, k - origin", "k = k - origin")),
    Fault("future seen", "left the mask out", CIRCLE, "circle",
          torch=("is_causal=True, scale=1.0", "scale=1.0"), mlx=('scale=1.0, mask="causal"', "scale=1.0")),
    Fault("scale left in", "let the kernel divide the scores by the root of the width", CIRCLE, "circle",
          torch=("is_causal=True, scale=1.0)", "is_causal=True)"),
          mlx=('scale=1.0, mask="causal"', 'scale=q.shape[-1] ** -0.5, mask="causal"')),
    Fault("beta not positive", "took the parameter for beta itself", CIRCLE, "circle",
          torch=("self.log_beta.exp()", "self.log_beta"), mlx=("mx.exp(self.log_beta)", "self.log_beta")),
    Fault("origin of the piece", "moved the queries of a new piece by its first query", CIRCLE,
          "circle: three tokens",
          torch=("q, k = q - origin, k - origin", "q, k = q - q[:, :, :1].detach(), k - origin"),
          mlx=("q, k = q - origin, k - origin", "q, k = q - mx.stop_gradient(q[:, :, :1]), k - origin")),
)
