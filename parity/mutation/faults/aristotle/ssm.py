"""Faults in A2, the four causes."""

from __future__ import annotations

from parity.mutation.planting import Fault

SSM = "aristotle.ssm"

FAULTS = (
    Fault("carry of the wrong chunk", "passed each chunk its last state, not that of the chunk before",
          SSM, "ssm: two levels",
          torch=("before(ends)", "ends"), mlx=("before(ends)", "ends")),
    Fault("decay too early", "let a token's decay act on the token's input", "common.chunks", "ssm: typical",
          torch=("between = past[:, None] * (1 - past)", "between = past[:, None] * past.T"),
          mlx=("between = past[:, None] * (1 - past)", "between = past[:, None] * past.T")),
    Fault("softplus cut off at 20", "took the library's default threshold", SSM, "ssm: extreme gates",
          outside_training="gates beyond 20",
          torch=("-F.logsigmoid(-x)", "F.softplus(x)"),
          mlx=("mx.logaddexp(x, 0.0)", "mx.where(x > 20, x, mx.logaddexp(x, 0.0))")),
    Fault("no skip", "left out D * u", SSM, "ssm: typical",
          torch=(" + self.skip * u)", " + 0 * self.skip * u)"), mlx=(" + self.skip * u)", " + 0 * self.skip * u)")),
    Fault("B and C exchanged", "read out with B and wrote with C", SSM, "ssm: typical",
          torch=("u, dt, b, c = self.causes(x)", "u, dt, c, b = self.causes(x)"),
          mlx=("u, dt, b, c = mx.split", "u, dt, c, b = mx.split")),
    Fault("state not carried on", "began every piece of a text anew", SSM, "ssm: eleven tokens",
          outside_training="generation only",
          torch=("* state[..., None, :]", "* (0 * state)[..., None, :]"),
          mlx=("* state[..., None, :]", "* (0 * state)[..., None, :]")),
)
