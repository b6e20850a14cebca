"""Faults in E9, the sphere and the chord."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "euclid.norm"

FAULTS = (
    Fault("radius of the mean square", "divided by the root mean square, as most norms do", MODULE, "sphere: typical",
          torch=("x.square().sum(-1", "x.square().mean(-1"), mlx=("mx.square(x).sum(-1", "mx.square(x).mean(-1")),
    Fault("tiny not squared", "clamped the square at tiny itself", MODULE, "sphere: within tiny",
          outside_training="a vector shorter than tiny",
          torch=("tiny**2", "tiny"), mlx=("tiny**2", "tiny")),
    Fault("length clamped after the root", "left the slope of the root at zero infinite", MODULE, "sphere: zero",
          outside_training="a vector of zeros",
          torch=(".clamp(min=tiny**2).sqrt()", ".sqrt().clamp(min=tiny)"),
          mlx=("mx.sqrt(mx.maximum(mx.square(x).sum(-1, keepdims=True), tiny**2))",
               "mx.maximum(mx.sqrt(mx.square(x).sum(-1, keepdims=True)), tiny)")),
    Fault("length without gradient", "took the length for a constant", MODULE, "sphere: typical",
          torch=("clamp(min=tiny**2).sqrt()", "clamp(min=tiny**2).sqrt().detach()"),
          mlx=("mx.square(x)", "mx.square(mx.stop_gradient(x))")),
    Fault("chord of the tangent", "forgot the root", MODULE, "chord: typical",
          torch=("u * (1 + u.square()).rsqrt()", "u / (1 + u.square())"),
          mlx=("u * mx.rsqrt(1 + mx.square(u))", "u / (1 + mx.square(u))")),
    Fault("chord clipped too early", "clipped the argument where the value is not yet 1", MODULE, "chord: activate",
          outside_training="gates beyond 8",
          torch=("-bound, bound)", "-bound**0.25, bound**0.25)"), mlx=("-bound, bound)", "-bound**0.25, bound**0.25)")),
    Fault("chord not clipped", "squared numbers whose square overflows", MODULE, "chord: activate",
          outside_training="gates beyond 1e19",
          torch=("F.hardtanh(u, -bound, bound)", "u"), mlx=("mx.clip(u, -bound, bound)", "u")),
)  # fmt: skip
